import FoundationEssentials
import Rig
import Testing

/// The managed plugin on a host as people have them: a virtual machine with Debian, systemd, Docker, and the kernel's rbd
/// driver, which carries the data whatever becomes of the plugin.
@Suite("Docker with the kernel's driver", .serialized)
struct KernelDriverTests {
    @Test("A volume is a device of the kernel's driver, shared by two containers, and given back after the last")
    func mainJob() async throws {
        let plugin = try await KernelHost.ready.plugin
        let volume = try await plugin.volume("kernel")
        let user = try await plugin.container(on: volume)
        try await plugin.exec(user, "echo kept >/data/file && sync")
        let inspected = try JSONValue(parsing: try await plugin.engine.docker("volume", "inspect", volume)).array
        let mount = try #require(inspected.first?["Status"]?["mount"])
        #expect(mount["mapper"] == "krbd")
        #expect(mount["device"]?.string?.hasPrefix("/dev/rbd") == true)
        #expect(try await plugin.run("cat /data/file", on: volume) == "kept")
        #expect(try await plugin.mappings(of: volume).count == 1)
        #expect(try await plugin.engine.refusal("volume", "rm", volume).contains("in use"))
        // The plugin refuses too, also when Docker does not know of the use.
        let refusal = try await KernelHost.ready.pluginSays("VolumeDriver.Remove", "{\"Name\": \"\(volume)\"}")
        #expect(refusal.contains("mounted"), "\(refusal)")
        try await plugin.engine.docker("rm", "--force", user)
        try await plugin.remove(volume)
        #expect(try await !CephRig(plugin.environment).exists(volume, in: plugin.environment.pool))
    }

    @Test("Upgraded to a version with more settings while a container writes, which never notices")
    func upgrade() async throws {
        let host = try await KernelHost.ready
        try await host.plugin.upgradesUnderContainer(adding: PluginPackage.addedSettings) {}
        // The older one had wider mounts.
        try await host.plugin.expectConfinement(stateFolder: "/run/rbd-plugin")
    }

    @Test("The host is switched off and on: its volume can be mounted at once, is whole, and holds what was synced")
    func rebooted() async throws {
        let host = try await KernelHost.ready
        let (plugin, engine) = (host.plugin, host.engine)
        let volume = try await plugin.volume("reboot")
        let writer = try await plugin.writer(on: volume)
        let synced = try await plugin.linesWritten(by: writer, atLeast: 5)
        try await engine.reset()

        // Docker lets nobody remove what a stopped container names.
        #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
        #expect(try await plugin.lines(1...synced, areIn: volume))
        try await engine.docker("start", writer)
        _ = try await plugin.linesWritten(by: writer, atLeast: 3)
        #expect(try await plugin.mappings(of: volume).count == 1)
        try await engine.docker("rm", "--force", writer)
        try await eventually("the volume to be given back", within: engine.patience) {
            try await plugin.holdings(of: volume).isEmpty
        }
        try await host.expectWholeFilesystem(on: volume)
        try await plugin.remove(volume)
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
}

extension KernelHost {
    /// What the plugin answers to a call of its own protocol.
    func pluginSays(_ call: String, _ body: String, at socket: String? = nil) async throws -> String {
        let path = if let socket { socket } else { "/run/docker/plugins/\(try await plugin.id)/rbd.sock" }
        let request =
            "POST /\(call) HTTP/1.1\\r\\nHost: plugin\\r\\nConnection: close\\r\\n"
            + "Content-Length: \(body.utf8.count)\\r\\n\\r\\n"
        return try await engine.script(
            "{ printf '\(request)'; printf %s '\(body)'; } | socat -t 60 - UNIX:\(path); echo")
    }

    /// `dpkg --install`, and what the administrator writes into the file of settings.
    func installPackage() async throws {
        // A debug build needs Swift's runtime beside it.
        try await engine.script("echo /srv/lib >/etc/ld.so.conf.d/swift.conf && ldconfig")
        try await engine.script("dpkg --install \(Self.package) 2>&1", within: .seconds(240))
        let settings = try ManagedPlugin("rbd", in: engine, prefix: "unit/", node: "unit").settings
            .filter { !$0.hasPrefix("modules.source=") }.joined(separator: "\n")
        try await engine.script("cat >>/etc/default/rbd-plugin <<'END'\n\(settings)\nEND")
    }

    /// Reads a volume's image out of Ceph, without kernel or plugin; nobody may have it mounted.
    func expectWholeFilesystem(on volume: String) async throws {
        let (environment, file) = (engine.environment, engine.scratch.path + "/" + volume)
        try await CephRig(environment).rbd("export", "--no-progress", "\(environment.pool)/\(volume)", file)
        try await runTool("e2fsck", ["-f", "-n", file]).checked()
        try FileManager.default.removeItem(atPath: file)
    }
}
