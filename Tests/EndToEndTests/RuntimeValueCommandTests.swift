import Glibc
import Rig
import Testing

/// `rbd-plugin volume set` and `get`, with the mapper of this machine.
@Suite("Values that change while a volume is in use")
struct RuntimeValueCommandTests {
    @Test(
        "A limit that is set while a container writes comes into force, is shown, survives the plugin, and goes again")
    func limits() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("limited", ["size": "64"])
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            let said = try await stage.operate("volume", "set", name, "write-bps=1M", "write-iops=5000").checked()
                .output
            #expect(said.contains("are in force on node"), "\(said)")
            let took = try await secondsToWrite(8 << 20, below: mountpoint)
            #expect(took >= 6, "8 MiB at 1 MiB a second took \(took) s")
            let shown = try await stage.operate("volume", "get", name).checked().output
            #expect(
                shown.split(separator: "\n").contains {
                    $0.split(separator: " ") == ["write-bps", "1M", "1M", "volume"]
                })

            let status = try #require(try await stage.client.get(name).checked().volume?.status)
            #expect(status["values"]?["write-bps"] == .string("1M"))
            #expect(status["valuesInForce"] == nil && status["valuesNotInForce"] == nil)

            try await stage.plugin.kill()
            try await stage.plugin.start()
            #expect(try await secondsToWrite(8 << 20, below: mountpoint) >= 6)
            _ = try await stage.operate("volume", "set", name, "write-bps=none", "write-iops=").checked()
            let record = try #require(try await stage.mountRecord(of: name))
            #expect(record["applied"] == .object(["write-bps": .string("none")]), "\(record)")
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("What is set of a volume that no node has holds from its next mount on")
    func mountedLater() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("later", ["size": "64"])
            let said = try await stage.operate("volume", "set", name, "write-bps=1M").checked().output
            #expect(said.contains("No node has volume \(name) mounted"), "\(said)")
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            #expect(try await stage.mountRecord(of: name)?["applied"] == .object(["write-bps": .string("1M")]))
            #expect(try await secondsToWrite(8 << 20, below: mountpoint) >= 6)
            try await stage.client.unmount(name, id: "a").checked()
        }
    }

    @Test("What cannot be is refused in a sentence, and nothing changes")
    func refusals() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("stays", ["size": "64"])
            for (arguments, says) in [
                ([name, "iops=0"], "use iops=0: it is not a number of operations a second from 10"),
                ([name, "iops=-5"], "use iops=-5"), ([name, "bps=1"], "from 64K"),
                ([name, "iops"], "write OPTION=VALUE"),
                ([name, "speed=5"], "the option 'speed' is not known"), ([name, "iops=50", "IOPS=60"], "given twice"),
                ([name, "iops=50", "read-iops=60"], "read-iops=60 is more than iops=50"),
                ([name, "autogrow.at=80%"], "needs autogrow.max"), (["nobody", "iops=50"], "there is no such volume"),
                ([name], "Missing expected argument"),
            ] {
                let result = try await stage.operate(["volume", "set"] + arguments)
                #expect(result.status != 0 && result.error.contains(says), "\(arguments): \(result)")
            }
            #expect(try await stage.record(of: name)?["runtime"] == nil)
            #expect(try await stage.operate("volume", "get", name, "speed").error.contains("'speed' is not known"))
        }
    }

    @Test("Two administrators who set different values at once both get what they want")
    func atOnce() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("shared", ["size": "64"])
            async let one = stage.operate("volume", "set", name, "read-iops=1000")
            async let two = stage.operate("volume", "set", name, "write-iops=2000")
            async let three = stage.operate("volume", "set", name, "discard=daily")
            for result in [try await one, try await two, try await three] { _ = try result.checked() }
            #expect(
                try await stage.record(of: name)?["runtime"]
                    == .object([
                        "read-iops": .string("1000"), "write-iops": .string("2000"), "discard": .string("daily"),
                    ]))
        }
    }
}

/// Writes so much past the page cache, and says how long it took: at a bounded speed it cannot be less.
private func secondsToWrite(_ bytes: Int, below mountpoint: String) async throws -> Double {
    let path = mountpoint + "/data"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw RigFailure("cannot open \(path)") }
    defer { close(descriptor) }
    let piece = [UInt8](repeating: 0x5a, count: 256 << 10)
    let began = ContinuousClock.now
    for _ in 0..<(bytes / piece.count) {
        guard write(descriptor, piece, piece.count) == piece.count, fdatasync(descriptor) == 0 else {
            throw RigFailure("cannot write to \(path)")
        }
    }
    let took = (ContinuousClock.now - began).components
    return Double(took.seconds) + Double(took.attoseconds) / 1e18
}
