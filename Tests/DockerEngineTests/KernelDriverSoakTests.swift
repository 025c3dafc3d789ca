import Rig
import Testing

/// What else there is to see on the host of ``KernelDriverTests``; an emulated processor takes its time, so that
/// `make soak` runs it.
@Suite("Docker with the kernel's driver, at length", .serialized)
struct KernelDriverSoakTests {
    @Test("The plugin is killed: Docker starts it again, its containers never notice, and nothing stays behind")
    func pluginKilled() async throws {
        try await KernelHost.ready.plugin.comesBackAfterItsOwnDeath()
    }

    @Test("dockerd is killed and systemd starts it again: containers go on writing, and their volumes stay theirs")
    func daemonKilled() async throws {
        try await KernelHost.ready.plugin.staysThroughDaemonsDeath()
    }

    @Test("The Debian package is installed, its unit started, stopped and restarted under a container, and removed")
    func systemdUnit() async throws {
        let host = try await KernelHost.ready
        let engine = host.engine
        try await host.installPackage()
        let plugin = ManagedPlugin("rbd", in: engine, prefix: "unit/", node: "unit")
        #expect(try await engine.script("systemctl is-enabled rbd-plugin || true") == "disabled")
        try await engine.script("systemctl start rbd-plugin && systemctl is-active rbd-plugin")
        let socket = "/run/docker/plugins/rbd.sock"
        try await eventually("the unit's plugin to answer", within: engine.patience) {
            try await engine.script("[ -S \(socket) ] && echo there || true") == "there"
        }
        let activated = try await host.pluginSays("Plugin.Activate", "", at: socket)
        #expect(
            activated.contains("200 OK") && activated.contains(#"{"Implements":["VolumeDriver"]}"#), "\(activated)")

        let volume = try await plugin.volume("unit")
        let writer = try await plugin.writer(on: volume)
        var written = try await plugin.linesWritten(by: writer, atLeast: 3)
        for command in ["systemctl restart rbd-plugin", "systemctl stop rbd-plugin", "systemctl start rbd-plugin"] {
            try await engine.script(command)
            written = try await plugin.linesWritten(by: writer, atLeast: written + 2)
        }
        #expect(try await plugin.failures(of: writer) == "")
        try await eventually("the unit's plugin to answer again", within: engine.patience) {
            try await engine.run(["volume", "inspect", volume]).succeeded
        }
        #expect(try await plugin.mappings(of: volume).count == 1)
        #expect(try await plugin.lines(1...written, areIn: volume))
        try await engine.docker("rm", "--force", writer)
        try await eventually("the volume to be given back", within: engine.patience) {
            try await plugin.mappings(of: volume).isEmpty
        }
        try await engine.docker("volume", "rm", volume)

        let log = try await engine.script("journalctl --unit rbd-plugin --no-pager --output cat")
        #expect(log.contains("rbd-plugin"), "\(log)")
        try await engine.script("dpkg --purge rbd-plugin 2>&1")
        #expect(
            try await engine.script("systemctl is-active rbd-plugin; ls /usr/bin/rbd-plugin 2>&1; true").contains(
                "inactive"))
    }

    @Test(
        "E13: each mapper of a managed plugin works with the mounts that it is given, and there are no others",
        arguments: ["fuse", "krbd"])
    func e13EachMapper(mapper: String) async throws {
        let host = try await KernelHost.ready
        // The newer version; the other plugin is an older one, with wider mounts, until it is upgraded.
        let plugin = ManagedPlugin(host.source, in: host.engine)
        try await plugin.set(try plugin.settings + ["RBD_MAPPER=\(mapper)"])
        try await plugin.enable()
        let volume = try await plugin.volume(mapper)
        let user = try await plugin.container(on: volume)
        try await plugin.exec(user, "echo kept >/data/file && sync")
        #expect(try await plugin.mountRecord(of: volume)?["mapper"]?.string == mapper)
        try await plugin.expectConfinement(stateFolder: "/run/rbd-plugin")
        try await plugin.engine.docker("rm", "--force", user)
        #expect(try await plugin.run("cat /data/file", on: volume) == "kept")
        try await plugin.remove(volume)
        try await plugin.engine.docker("plugin", "disable", plugin.name)
    }
}
