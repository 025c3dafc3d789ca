import Rig
import Testing

/// `RBD_MAPPER` is changed while volumes are mounted, as when a node gets the kernel's module for its first time.
@Suite("A mapper that is changed under mounted volumes", .serialized)
struct MapperChangeTests {
    @Test("What the former one mapped stays usable, and is given back with its last unmount")
    func changed() async throws {
        let hosts = try await Hosts.ready()
        let host = hosts.a
        try await host.mapWith("fuse")
        let first = try await Volume("fuse", on: hosts)
        let mountpoint = try await first.taken(by: host, id: "1").mountpoint
        try await host.run("echo kept >\(mountpoint)/file; sync")

        try await host.mapWith("krbd")
        let second = try await Volume("krbd", on: hosts)
        _ = try await second.taken(by: host, id: "2")
        #expect(try await host.mappedImages() == [second.name])
        #expect(try await first.taken(by: host, id: "3").mountpoint == mountpoint)
        #expect(try await host.mappedImages() == [second.name], "the first is not mapped a second time")
        #expect(try await host.run("cat \(mountpoint)/file") == "kept")
        for id in ["1", "3"] { try await host.client.unmount(first.name, id: id).checked() }
        #expect(try await host.userSpaceMappings().isEmpty)
        #expect(try await first.watchers().isEmpty)
        let elsewhere = try await first.taken(by: hosts.b, id: "4").mountpoint
        #expect(try await hosts.b.run("cat \(elsewhere)/file") == "kept")
        try await hosts.b.client.unmount(first.name, id: "4").checked()

        // As with the upgrade of a managed plugin, which has no notes of the one before.
        try await host.run("rm -r /run/rbd-plugin/krbd")
        try await host.mapWith("nbd")
        _ = try await first.taken(by: host, id: "5")
        #expect(try await host.mappedImages() == [second.name])
        try await host.client.unmount(second.name, id: "2").checked()
        #expect(try await host.mappedImages().isEmpty)
        #expect(try await second.watchers().isEmpty)

        try await host.mapWith("krbd")
        #expect(try await host.userSpaceMappings().count == 1)
        try await host.client.unmount(first.name, id: "5").checked()
        #expect(try await host.userSpaceMappings().isEmpty)
        #expect(try await first.watchers().isEmpty)
        for volume in [first, second] { try await volume.remove() }
    }
}

extension Host {
    /// Starts its plugin anew with another mapper, as an operator does who changes the setting.
    fileprivate func mapWith(_ mapper: String) async throws {
        try await run(
            """
            modprobe fuse; modprobe loop; modprobe nbd nbds_max=2
            sed -i 's/^RBD_MAPPER=.*/RBD_MAPPER=\(mapper)/' /rig/settings
            plugin=$(pidof rbd-plugin); kill $plugin; while kill -0 $plugin 2>/dev/null; do sleep 0.1; done
            """)
        try await waitForPlugin()
        let health = try await client.fetch("/healthz").text
        #expect(health.contains("\"\(mapper)\""), "\(health)")
    }
}
