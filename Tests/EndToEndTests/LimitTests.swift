import Rig
import Testing

/// Limits of reads and writes, with the mapper of this machine. With the kernel's driver they are among the tests in virtual
/// machines.
///
/// A limit is an upper bound, so a test may say how long something takes at least, and nothing else about time.
@Suite("Volumes with limits")
struct LimitTests {
    @Test("A container writes no faster than its volume's limit, also after the plugin was killed and started again")
    func held() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("held")
            try await stage.operate("volume", "set", name, "write-bps=1M").checked()
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            for isRestarted in [false, true] {
                if isRestarted {
                    try await stage.plugin.kill()
                    try await stage.plugin.start()
                }
                for way in ["oflag=direct", "conv=fsync"] {
                    let took = try await ContinuousClock().measure {
                        try await write(8 << 20, to: mountpoint, way)
                    }
                    #expect(took > .seconds(6), "\(way), \(isRestarted)")
                }
            }
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("A limit changes while a container writes")
    func changed() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("changed", ["size": "64"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            // So slow that the writing would take eight minutes.
            let said = try await stage.operate("volume", "set", name, "write-bps=64K").checked().output
            #expect(said.contains("in force"), "\(said)")
            async let writing: Void = write(32 << 20, to: mountpoint, "oflag=direct")
            try await stage.operate("volume", "set", name, "write-bps=none").checked()
            try await writing
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("What no control group can limit is said, and the volume is mounted all the same")
    func combined() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("combined")
            try await stage.operate("volume", "set", name, "iops=500").checked()
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await write(1 << 20, to: mountpoint, "oflag=direct")
            let said = try await stage.operate("volume", "get", name).checked().output
            #expect(said.contains("give read-iops and write-iops instead"), "\(said)")
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    private func write(_ bytes: Int, to mountpoint: String, _ way: String) async throws {
        let words = ["status=none", "if=/dev/zero", "of=\(mountpoint)/file", "bs=256k", "count=\(bytes >> 18)", way]
        try await runTool("dd", words, within: .seconds(120)).checked()
    }
}
