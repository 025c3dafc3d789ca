import FoundationEssentials
import Rig

/// The same call for many volumes at once, against as many in a row by hand. Each volume is made, mounted, unmounted and
/// removed, so that what is mounted exists and what is removed is not in use.
struct Crowd {
    let bench: Bench
    /// How many.
    let size = 16

    private static let goals = ["Create": 0.05]

    func measure(_ report: inout Report) async throws {
        Bench.say("\(size) volumes at once, and \(size) in a row by hand")
        let plugin = try await byPlugin()
        let hand = try await byHand()
        for verb in Calls.verbs {
            guard let together = plugin[verb], let inARow = hand[verb] else { continue }
            report.add(
                "\(size) \(verb)s at once", together, against: "\(size) in a row by hand", inARow.median,
                goal: Self.goals[verb])
        }
    }

    private func byPlugin() async throws -> [String: Samples] {
        let client = PluginClient(socket: bench.plugin.socket, within: .seconds(300))
        let options = ["pool": bench.rig.pool, "size": "512"]
        var samples: [String: Samples] = [:]
        try await samples["Create", default: Samples()].time {
            try await atOnce { try await client.create($0, options: options) }
        }
        try await samples["Mount", default: Samples()].time {
            try await atOnce { try await client.mount($0, id: "bench") }
        }
        try await samples["Unmount", default: Samples()].time {
            try await atOnce { try await client.unmount($0, id: "bench") }
        }
        try await samples["Remove", default: Samples()].time { try await atOnce { try await client.remove($0) } }
        return samples
    }

    private func atOnce(_ call: @escaping @Sendable (String) async throws -> PluginAnswer) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<size {
                group.addTask { try await call("crowd-\(number)").checked() }
            }
            try await group.waitForAll()
        }
    }

    private func byHand() async throws -> [String: Samples] {
        let hand = bench.hand
        let images = (0..<size).map { "hand-crowd-\($0)" }
        func folder(_ image: String) -> String { "\(bench.plugin.scratch.path)/hand/\(image)" }
        for image in images {
            try FileManager.default.createDirectory(atPath: folder(image), withIntermediateDirectories: false)
        }
        var samples: [String: Samples] = [:]
        try await samples["Create", default: Samples()].time {
            for image in images { try await hand.create(image, size: "512", filesystem: "ext4") }
        }
        let devices = try await samples["Mount", default: Samples()].time {
            var devices: [String] = []
            for image in images { devices.append(try await hand.mount(image, at: folder(image))) }
            return devices
        }
        try await samples["Unmount", default: Samples()].time {
            for (image, device) in zip(images, devices) {
                try await hand.unmount(image, device, at: folder(image))
            }
        }
        try await samples["Remove", default: Samples()].time { for image in images { try await hand.remove(image) } }
        return samples
    }
}
