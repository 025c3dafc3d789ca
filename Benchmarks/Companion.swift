import Rig

/// What the plugin's own program for the kernel gains over the usual tools: mapping, mounting and their undoing, each timed
/// alone and in turns. Where it is not three times as fast, the tool would do.
struct Companion {
    let bench: Bench

    private static let goal = 1.0 / 3
    /// The program waits already when it is asked, as in the plugin: those that a round used have been started again by
    /// then, which is done a second later.
    private static let pause = Duration.milliseconds(1500)

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
        let kernel = BareKernel(floor: bench.floor, image: image, mountpoint: bench.hand.mountpoint)
        let program = try OwnProgram(bench, image: image)
        var device: String?
        if case .fuse = bench.hand.device {
            report.leaveOut("map and unmap by rbd-plugin-kernel", since: "the kernel's rbd driver is not used here")
            device = try await tools.map()
        }
        var (own, usual, bare): ([Step: Samples], [Step: Samples], [Step: Samples]) = ([:], [:], [:])
        for round in 0...bench.repetitions {
            try await Task.sleep(for: Self.pause)
            let times = (try await time(program, device), try await time(tools, device), try await time(kernel, device))
            guard round > 0 else { continue }
            own.merge(times.0) { $0.merging($1) }
            usual.merge(times.1) { $0.merging($1) }
            bare.merge(times.2) { $0.merging($1) }
        }
        if let device { try await tools.unmap(device) }
        await program.close()
        try await bench.hand.remove(image)
        for step in Step.allCases {
            guard let own = own[step], let usual = usual[step], let bare = bare[step] else { continue }
            report.add(step.names.own, own, against: step.names.tool, usual.median, goal: Self.goal)
            report.add(step.names.own, own, against: "floor", bare.median)
        }
    }

    /// - Parameter device: what to mount; nil to map the image, and unmap it, as well.
    private func time(_ side: some KernelSteps, _ device: String?) async throws -> [Step: Samples] {
        var times: [Step: Samples] = [:]
        func timed<Value>(_ step: Step, _ body: () async throws -> Value) async throws -> Value {
            try await times[step, default: Samples()].time(body)
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

/// What the kernel itself takes, whoever asks it.
struct BareKernel: KernelSteps {
    let floor: Floor
    let image: String
    let mountpoint: String

    func map() async throws -> String { try await floor.map(image) }
    func mount(_ device: String) async throws { try floor.mount(device, at: mountpoint, "ext4") }
    func unmount() async throws { try floor.unmount(mountpoint) }
    func unmap(_ device: String) async throws { try await floor.unmap(image, device) }
}
