import InMemoryPorts
import VolumeCore

/// What Docker daemons, containers and users do of their own accord.
extension History {
    /// Lets one host do something that fits its state.
    func act() {
        let awake = hosts.indices.filter { isAwake(hosts[$0].name) }
        guard let index = random.one(of: awake), let volume = random.one(of: Setup.inDemand(volumes)) else { return }
        switch random.weighted(choices(on: index, volume)) {
        case .create: ask(.create(volume), of: index)
        case .start: start(volume, on: index)
        case .retry(let position): mount(position, on: index)
        case .write(let position): write(by: position, on: index)
        case .buffer(let position): buffer(by: position, on: index)
        case .stop(let position):
            stop(position, on: index)
            if random.below(4) > 0 { unmount(position, on: index) }
        case .unmount(let position): unmount(position, on: index)
        case .giveUp(let position): hosts[index].containers.remove(at: position)
        case .remove: ask(.remove(volume), of: index)
        case .get: ask(.get(volume), of: index)
        case .list: ask(.list, of: index)
        case .begin(let position): begin(position, on: index)
        case .tend: ask(.tend, of: index)
        case nil: break
        }
    }

    func isAwake(_ name: String) -> Bool {
        cluster.mutate { $0.nodes[name].map { $0.isOn && !$0.isPaused } ?? false }
    }

    private enum Action {
        case create, start
        case retry(Int), write(Int), buffer(Int), stop(Int), unmount(Int), giveUp(Int)
        case begin(Int)
        case remove, get, list, tend
    }

    private func choices(on index: Int, _ volume: String) -> [(weight: Int, choice: Action)] {
        var choices: [(weight: Int, choice: Action)] = []
        for (position, container) in hosts[index].containers.enumerated() {
            switch container.state {
            case .running: choices += [(8, .write(position)), (1, .buffer(position)), (5, .stop(position))]
            case .waiting: choices += hosts[index].plugin == nil ? [] : [(6, .retry(position)), (1, .giveUp(position))]
            case .stopped:
                guard hosts[index].plugin != nil else { break }
                choices.append((8, .unmount(position)))
                // Docker keeps the id of an Unmount that failed, and mounts with it again.
                if container.unmountFailed { choices.append((40, .retry(position))) }
            case .granted:
                choices += [(4, .begin(position)), (1, .stop(position))]
                if container.isAgain, hosts[index].plugin != nil, !isTending(index) { choices.append((20, .tend)) }
            case .mounting, .unmounting: break
            }
        }
        guard hosts[index].plugin != nil else { return choices }
        let isReady = cluster.mutate { world in
            (try? VolumeName(volume)).flatMap { world.etcd.volumes[$0] }?.record.phase == .ready
        }
        if hosts[index].containers.count < 2 { choices.append((isReady ? 8 : 1, .start)) }
        if !isTending(index) { choices.append((4, .tend)) }
        return choices + [(isReady ? 1 : 14, .create), (1, .remove), (1, .get), (1, .list)]
    }

    private func start(_ volume: String, on index: Int) {
        containers += 1
        hosts[index].containers.append(
            Container(id: "\(hosts[index].name)\(containers)", volume: volume, state: .waiting))
        mount(hosts[index].containers.count - 1, on: index)
    }

    /// The position may not hold any more when this returns: an answer can come at once.
    func mount(_ position: Int, on index: Int) {
        let container = hosts[index].containers[position]
        hosts[index].containers[position].state = .mounting
        ask(.mount(container.volume, id: container.id), of: index)
    }

    func stop(_ position: Int, on index: Int) {
        let container = hosts[index].containers[position]
        switch container.state {
        case .running(let holder, _): cluster.mutate { $0.release(holder) }
        case .granted: break
        default: return
        }
        hosts[index].containers[position].state = .stopped
        note("  \(hosts[index].name)  \(container.id) ends")
    }

    func unmount(_ position: Int, on index: Int) {
        guard hosts[index].plugin != nil else { return }
        let container = hosts[index].containers[position]
        hosts[index].containers[position].state = .unmounting
        ask(.unmount(container.volume, id: container.id), of: index)
    }

    private func buffer(by position: Int, on index: Int) {
        let container = hosts[index].containers[position]
        let name = hosts[index].name
        cluster.mutate { world in
            try? world.buffer("\(container.id).unsynced", on: name, at: Setup.mountpoint(container.volume))
        }
        note("  \(name)  \(container.id) writes without waiting")
    }
}
