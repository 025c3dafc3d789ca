import InMemoryPorts
import VolumeCore

/// What operators ask the nodes to do, and what comes of it in the end.
extension History {
    /// Somebody takes a snapshot of a volume that no node has, and wants the volume to be what it was at that moment: so nothing
    /// that was ever written may be missing afterwards.
    func askForRollBack() -> Bool {
        guard strangersDevice == nil, let volume = random.one(of: volumes), !checks.isForeign(Setup.image(volume))
        else { return false }
        return cluster.mutate { $0.askForRollBack(volume) }
    }

    /// Somebody wants a snapshot of a volume that a node has mounted.
    func askForSnapshot() -> Bool {
        let mounted = cluster.mutate { $0.etcd.attachments.filter { $0.value.record.state == .attached }.keys.sorted() }
        guard let volume = random.one(of: mounted) else { return false }
        return cluster.mutate { $0.askForSnapshot(of: volume.text) }
    }

    /// With all faults gone, whatever was asked for comes to its end.
    func finishRequests() {
        for _ in 1...6 where checks.violation == nil && !unfinished.isEmpty {
            // Where it has failed half-way, the operator asks again.
            cluster.mutate { world in for volume in volumes { _ = world.askForRollBackAgain(volume) } }
            cluster.mutate { $0.advance(by: .seconds(31)) }
            tendEverywhere()
        }
        for name in unfinished { checks.report(.endsWell, "\(name) is still to be \(what(of: name))") }
        cluster.mutate { world in
            for node in world.nodes.values {
                for path in node.kernel.superblocks.keys where world.isFrozen(path, on: node.name) {
                    checks.report(.endsWell, "the filesystem on \(path) of \(node.name) is frozen")
                }
            }
            // Whoever waits for what nobody can do takes it back.
            for (name, request) in world.etcd.requests where request.record.state == .waiting {
                world.forgetRequest(name.text)
            }
        }
        removeOthersSnapshots()
    }

    /// Whoever took snapshots, or had them taken, removes them.
    func removeOthersSnapshots() {
        cluster.mutate { $0.removeOthersSnapshots() }
        checks.forgetSnapshots()
    }

    /// What is still to be done, and can be. Where the mapper has lost its notes, an owner that another node has asked can neither
    /// let go of a volume nor mount it again before its containers end: what is to be done on its mount waits until then. So it
    /// does where a take-over broke off, or the owner is a boot that is over, for the next node that wants the volume. What is asked
    /// of a volume whose removal broke off goes with it.
    private var unfinished: [VolumeName] {
        cluster.mutate { world in
            world.etcd.requests.filter { name, request in
                guard request.record.isUnfinished || request.record.isHalfDone,
                    world.etcd.volumes[name]?.record.phase == .ready
                else { return false }
                guard !request.record.work.holdsVolume, let mount = world.etcd.attachments[name]?.record else {
                    return true
                }
                return mount.state == .attached && world.livingBoot(of: mount.owner.node) == mount.owner.boot
            }.keys.sorted()
        }
    }

    private func what(of name: VolumeName) -> String {
        cluster.mutate { $0.etcd.requests[name] }.map { "\($0.record.work)" } ?? "?"
    }
}
