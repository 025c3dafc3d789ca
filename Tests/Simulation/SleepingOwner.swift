import InMemoryPorts
import VolumeCore

/// At the end: an owner that sleeps while another node takes its volume over.
extension History {
    /// A node falls asleep in the midst of its last Unmount, and wakes up when the volume is another's: it ends what it was at, and
    /// what the new owner has stays.
    func fallAsleepInUnmount(_ volume: String, id: String, on index: Int) {
        guard checks.violation == nil, seed % 8 == 5, index == Int(seed % UInt64(hosts.count)) else { return }
        let operation = [PortOperation.storeCommit, .mountUnmount, .deviceUnmap][Int(seed / 8 % 3)]
        pausedAfter = (hosts[index].name, operation)
        guard let number = ask(.unmount(volume, id: id), of: index) else { return }
        pump { outcomes[number] != nil || pausedAfter == nil }
        pausedAfter = nil
        cluster.mutate { world in
            // Whose client has gone can be followed at once, while the sleeper still has time for what it is at.
            world.expireHeartbeat(of: hosts[index].name)
            if operation != .deviceUnmap { world.advance(by: .seconds(40)) }
        }
        let next = (index + 1) % hosts.count
        containers += 1
        let another = "end\(containers)"
        hosts[next].containers = [Container(id: another, volume: volume, state: .mounting)]
        mustSucceed(.mount(volume, id: another), on: next)
        begin(0, on: next)
        cluster.mutate { $0.wake(hosts[index].name) }
        note("+ \(hosts[index].name)  goes on")
        pump { outcomes[number] != nil }
        write(by: 0, on: next)
        mustSucceed(.tend, on: index)
        mustSucceed(.tend, on: next)
        stop(0, on: next)
        hosts[next].containers[0].state = .unmounting
        mustSucceed(.unmount(volume, id: another), on: next)
        hosts[next].containers = []
    }

    func pauseIfToBePaused(after call: PortCall) {
        guard let pause = pausedAfter, pause.node == call.node, pause.operation == call.operation else { return }
        pausedAfter = nil
        cluster.mutate { $0.pause(call.node) }
        note("! \(call.node)  \(Fault.paused.rawValue)")
    }
}
