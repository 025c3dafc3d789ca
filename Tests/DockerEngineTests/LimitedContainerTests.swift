import Rig
import Testing

extension EngineTests {
    /// The managed plugin has nothing but a read-only view of the control groups, and sets limits in them all the same.
    @Suite("Limits of a container's volume")
    struct LimitedContainerTests {
        @Test("A container writes no faster than its volume's limit, past the page cache and through it")
        func limited() async throws {
            let plugin = try await SharedEngine.plugin
            let volume = try await plugin.volume("limited")
            let container = try await plugin.container(on: volume)
            // It returns once the limit is in force, also in the container's own group.
            try await plugin.operate("volume", "set", volume, "write-bps=1M")
            for way in ["oflag=direct", "conv=fsync"] {
                let took = try await ContinuousClock().measure {
                    try await plugin.exec(container, "dd if=/dev/zero of=/data/file bs=256k count=32 \(way)")
                }
                // An upper bound: nothing is said of how long it takes at most.
                #expect(took > .seconds(6), "\(way)")
            }
            try await plugin.operate("volume", "set", volume, "write-bps=none")
            try await plugin.engine.docker("rm", "--force", container)
            try await plugin.remove(volume)
        }
    }
}
