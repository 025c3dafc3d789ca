import Rig

/// What the plugin's own program for the kernel gains over the usual tools: mapping, mounting and their undoing, each timed
/// alone and in turns. Where it is not three times as fast, the tool would do.
struct Companion {
    let bench: Bench

    private static let goal = 1.0 / 3
    /// The program waits already when it is asked, as in the plugin: the one that takes the place of the last has had the
    /// time to start.
    private static let pause = Duration.milliseconds(100)

    private enum Step: CaseIterable {
        case map, mount, unmount, unmap

        var names: (own: String, tool: String) {
            switch self {
            case .map: ("map by rbd-plugin-kernel", "rbd map")
            case .mount: ("mount(2) by rbd-plugin-kernel", "mount")
            case .unmount: ("umount(2) by rbd-plugin-kernel", "umount")
            case .unmap: ("unmap by rbd-plugin-kernel", "rbd unmap")
            }
        }
    }

    func measure(_ report: inout Report) async throws {
        Bench.say("what rbd-plugin-kernel does, and the usual tools")
        let image = "companion"
        try await bench.hand.create(image, size: "512", filesystem: "ext4")
        let tools = UsualTools(hand: bench.hand, image: image)
        let adapters = try OwnAdapters(bench, image: image)
        var device: String?
        if case .fuse = bench.hand.device {
            report.leaveOut("map and unmap by rbd-plugin-kernel", since: "the kernel's rbd driver is not used here")
            device = try await tools.map()
        }
        var (own, usual): ([Step: Samples], [Step: Samples]) = ([:], [:])
        for round in 0...bench.repetitions {
            let once = (try await time(adapters, device), try await time(tools, device))
            guard round > 0 else { continue }
            for (step, duration) in once.0 { own[step, default: Samples()].add(duration) }
            for (step, duration) in once.1 { usual[step, default: Samples()].add(duration) }
        }
        if let device { try await tools.unmap(device) }
        await adapters.close()
        try await bench.hand.remove(image)
        for step in Step.allCases {
            guard let own = own[step], let usual = usual[step] else { continue }
            report.add(step.names.own, own, against: step.names.tool, usual.median, goal: Self.goal)
        }
    }

    /// - Parameter device: what to mount; nil to map the image, and unmap it, as well.
    private func time(_ side: some KernelSteps, _ device: String?) async throws -> [Step: Duration] {
        var times: [Step: Duration] = [:]
        func timed<Value>(_ step: Step, _ body: () async throws -> Value) async throws -> Value {
            try await Task.sleep(for: Self.pause)
            let began = ContinuousClock.now
            let value = try await body()
            times[step] = ContinuousClock.now - began
            return value
        }
        let path = if let device { device } else { try await timed(.map) { try await side.map() } }
        try await timed(.mount) { try await side.mount(path) }
        try await timed(.unmount) { try await side.unmount() }
        if device == nil { try await timed(.unmap) { try await side.unmap(path) } }
        return times
    }
}

/// What brings an image to a mountpoint and back.
protocol KernelSteps {
    /// - Returns: the device.
    func map() async throws -> String
    func mount(_ device: String) async throws
    func unmount() async throws
    func unmap(_ device: String) async throws
}

/// One process of a tool for each.
struct UsualTools: KernelSteps {
    let hand: ByHand
    let image: String

    func map() async throws -> String { try await hand.device.map(image) }
    func mount(_ device: String) async throws { try await runTool("mount", [device, hand.mountpoint]).checked() }
    func unmount() async throws { try await runTool("umount", [hand.mountpoint]).checked() }
    func unmap(_ device: String) async throws { try await hand.device.unmap(image, device) }
}
