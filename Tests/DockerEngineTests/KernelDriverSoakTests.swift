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
