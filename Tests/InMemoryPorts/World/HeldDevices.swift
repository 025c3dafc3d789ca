import VolumeCore

/// Devices that a process of the plugin holds open: their paths are nobody else's meanwhile, also when what was behind them is gone.
struct SimulatedHold: Sendable, Hashable {
    let path: String
    let process: Int
    let token: Int
}

extension World {
    mutating func hold(_ path: String, on name: String, by process: Int) throws -> SimulatedHold {
        _ = try device(path, on: name, to: "hold")
        requests += 1
        let hold = SimulatedHold(path: path, process: process, token: requests)
        nodes[name]?.kernel.holds.insert(hold)
        return hold
    }

    mutating func letGo(_ hold: SimulatedHold, on name: String) {
        guard let kernel = nodes[name]?.kernel, kernel.holds.contains(hold) else { return }
        nodes[name]?.kernel.holds.remove(hold)
        if kernel.superblocks[hold.path] == nil { giveBackUnmounted(hold.path, on: name) }
    }

    /// The kernel closes what a process had open that has ended.
    func isHeld(_ path: String, on name: String) -> Bool {
        guard let node = nodes[name] else { return false }
        return node.kernel.holds.contains { $0.path == path && $0.process == node.process }
    }
}
