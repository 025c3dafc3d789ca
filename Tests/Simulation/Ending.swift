import InMemoryPorts
import RBDDriver
import VolumeCore

/// Liveness: with all faults gone, everything that is asked for completes in bounded time, and nothing is left.
extension History {
    func endWell() {
        isEnding = true
        random = Randomness(seed: seed, stream: 1 << 32)
        step += 1
        note("--- all faults are gone")
        heal()
        while !late.isEmpty {
            deliverLate()
            afterStep()
        }
        finishEverything()
        // What a restored etcd knows nothing of is for people to put in order.
        guard !checks.isRestored else { return }
        // Clients that were killed show as watchers for half a minute, and lost heartbeats count for as long.
        cluster.mutate { $0.advance(by: .seconds(40)) }
        tendEverywhere()
        finishRequests()
        endContainers()
        tendEverywhere()
        for host in hosts { cluster.mutate { $0.endLostMappings(of: host.name) } }
        finishRestores()
        for volume in volumes where checks.violation == nil { use(volume) }
        checkRecords()
        cluster.mutate { checkSnapshotsOfNow($0) }
        removeOthersSnapshots()
        for volume in volumes.reversed() where checks.violation == nil {
            removeForGood(volume)
            // What was cloned and is half made, or in the trash, keeps what it was made out of.
            if Setup.isClone(volume) { letOrphansAge() }
        }
        letOrphansAge()
        if checks.violation == nil { cluster.mutate { checkNothingIsLeft($0) } }
    }

    private func heal() {
        // Longer than a lock that somebody broke shuts its owner out.
        if isStrangerFrozen { cluster.mutate { $0.advance(by: .seconds(4000)) } }
        endStranger()
        cluster.mutate { world in
            // Those that somebody wants a volume rolled back to are still needed.
            let held = world.etcd.readAll().filter { RequestRule.holding($0) != nil }.compactMap {
                $0.volume?.record.imageID
            }
            world.removeOthersSnapshots(besides: held)
        }
        checks.forgetSnapshots()
        afterStep()
        cluster.mutate { world in
            if world.etcd.policies[.standard] != nil { world.setPolicy(Policy(), as: .standard) }
        }
        putImagesBack()
        for index in hosts.indices {
            let name = hosts[index].name
            cluster.mutate { world in
                world.powerOn(name)
                world.wake(name)
                for backend in Backend.allCases { world.heal(name, to: backend) }
                world.thawCatalog(of: name)
                world.renewHeartbeat(of: name)
                world.setClock(of: name)
                world.setWallClock(of: name, ahead: .zero)
                world.letLimit(true, on: name)
            }
            if hosts[index].plugin == nil { startPlugin(on: index) }
        }
        afterStep()
    }

    // MARK: Requests that must succeed

    /// Lets what is under way end by itself.
    private func finishEverything() {
        let began = cluster.mutate { $0.now }
        pump { inFlight.isEmpty }
        for request in inFlight.values.map(\.request.description).sorted() {
            checks.report(.endsWell, "\(request) does not end")
        }
        // Requests that wait for each other's turns can take one budget each, one after the other at most.
        let took = cluster.mutate { $0.now } - began
        if took > budget * 2 { checks.report(.endsWell, "it took \(took) until all requests had ended") }
    }

    private var budget: Duration { Setup.settings.workBudget + Setup.settings.undoBudget + .seconds(1) }

    /// Lets every waiting call go on until `isDone`; time passes when nothing else can happen.
    func pump(until isDone: () -> Bool) {
        var moves = 0
        while !isDone(), checks.violation == nil, moves < 2000 {
            moves += 1
            if let parked = random.one(of: readyCalls()) {
                guard lot.take(parked.number) != nil else { continue }
                cluster.mutate { $0.advance(by: .milliseconds(5)) }
                if parked.call.operation == killedAfter {
                    killedAfter = nil
                    strike(parked, .killedAfter)
                } else {
                    answer(parked)
                    pauseIfToBePaused(after: parked.call)
                }
            } else if let next = lot.calls.compactMap(\.due).min() {
                cluster.mutate { $0.advance(to: next) }
                tendIfTime()
            } else {
                return
            }
            afterStep()
        }
    }

    /// Every plugin looks after its mounts every two seconds.
    private func tendIfTime() {
        let now = cluster.mutate { $0.now }
        guard now >= lastTended + .seconds(2) else { return }
        lastTended = now
        for index in hosts.indices where !isTending(index) { ask(.tend, of: index) }
    }

    func tendEverywhere() {
        for index in hosts.indices { _ = outcome(of: .tend, on: index) }
    }

    /// Asks and waits for the answer.
    private func outcome(of request: Request, on index: Int) -> Outcome {
        let began = cluster.mutate { $0.now }
        guard let number = ask(request, of: index) else { return .noAnswer }
        pump { outcomes[number] != nil }
        let took = cluster.mutate { $0.now } - began
        if took > budget { checks.report(.endsWell, "\(request) on \(hosts[index].name) took \(took)") }
        return outcomes[number] ?? .noAnswer
    }

    func mustSucceed(_ request: Request, on index: Int) {
        guard checks.violation == nil else { return }
        var outcome = outcome(of: request, on: index)
        // What the answer asks a person to do.
        if case .failed(let error) = outcome, error.code == .shortFence {
            cluster.mutate { $0.liftShortEntries() }
            outcome = self.outcome(of: request, on: index)
        }
        if !outcome.isSuccess {
            checks.report(.endsWell, "with all faults gone, \(request) on \(hosts[index].name): \(outcome)")
        }
    }

    // MARK: The steps to an end

    /// All containers end, and Docker gives their mounts back.
    private func endContainers() {
        for index in hosts.indices {
            for position in hosts[index].containers.indices { stop(position, on: index) }
            for container in hosts[index].containers {
                guard let position = hosts[index].containers.firstIndex(where: { $0.id == container.id }) else {
                    continue
                }
                guard hosts[index].containers[position].isStopped else { continue }
                hosts[index].containers[position].state = .unmounting
                mustSucceed(.unmount(container.volume, id: container.id), on: index)
            }
            hosts[index].containers = []
        }
    }

    /// What a killed command has begun to restore, a node finishes.
    private func finishRestores() {
        let areLeft = cluster.mutate { world in
            world.etcd.volumes.values.contains { $0.record.trash?.isReturning == true }
        }
        guard areLeft else { return }
        for volume in volumes { removePlantedImage(volume) }
        cluster.mutate { $0.advance(by: .seconds(601)) }
        tendEverywhere()
    }

    /// The volume can be made and used: on some node, and wherever something of it is left.
    private func use(_ volume: String) {
        guard let index = random.one(of: Array(hosts.indices)), let name = try? VolumeName(volume) else { return }
        removePlantedImage(volume)
        if cluster.mutate({ $0.etcd.volumes[name] })?.record.phase == .removing {
            mustSucceed(.remove(volume), on: index)
        }
        mustSucceed(.create(volume), on: index)
        for each in places(of: volume, name, index) {
            guard checks.violation == nil else { return }
            containers += 1
            let id = "end\(containers)"
            hosts[each].containers = [Container(id: id, volume: volume, state: .mounting)]
            mustSucceed(.mount(volume, id: id), on: each)
            begin(0, on: each)
            write(by: 0, on: each)
            if volume != Setup.shared { seeThatItGrows(name, on: each) }
            seeThatItIsLimited(name, on: each)
            if volume != Setup.shared { seeThatItChanges(name, on: each) }
            stop(0, on: each)
            hosts[each].containers[0].state = .unmounting
            fallAsleepInUnmount(volume, id: id, on: each)
            mustSucceed(.unmount(volume, id: id), on: each)
            hosts[each].containers = []
        }
        if volume != Setup.shared { seeThatItRests(name, on: index) }
    }

    private func seeThatItChanges(_ name: VolumeName, on index: Int) {
        seeThatItFits(name, on: index)
        // The longest of all: one node of each history will do.
        if index == Int(seed % UInt64(hosts.count)) { seeThatItIsSnapshot(name, on: index) }
    }

    /// Who has the volume mounted gives it the size that is wanted.
    private func seeThatItGrows(_ name: VolumeName, on index: Int) {
        guard checks.violation == nil else { return }
        if GrowthRule.wanted(cluster.mutate { $0.etcd.read(name) }) != nil { mustSucceed(.tend, on: index) }
        let (stored, image) = cluster.mutate { ($0.etcd.read(name), $0.ceph.images[Setup.image(name.text)]) }
        if let wanted = GrowthRule.wanted(stored) {
            checks.report(.endsWell, "\(name) is still to get \(wanted) after \(hosts[index].name) has had it mounted")
        }
        guard let image, let filesystem = image.filesystem, filesystem.size < image.size else { return }
        checks.report(.endsWell, "the image of \(name) has \(image.size), its filesystem only \(filesystem.size)")
    }

    /// Who has the volume mounted limits it as is wanted, and says so.
    private func seeThatItIsLimited(_ name: VolumeName, on index: Int) {
        guard checks.violation == nil else { return }
        cluster.mutate { _ = $0.setValues([.readIOPS: "900"], of: name.text) }
        mustSucceed(.tend, on: index)
        cluster.mutate { world in
            guard let stored = try? NodesView.seen(world.etcd.read(name), by: hosts[index].name),
                let wanted = stored.volume?.record.runtime, let record = stored.attachment?.record,
                let device = record.device.flatMap({ world.nodes[hosts[index].name]?.kernel.devices[$0] })
            else { return }
            if device.limits != wanted.limits {
                checks.report(
                    .endsWell, "\(name) is to have limits \(wanted.limits), and \(device.path) has \(device.limits)")
            }
            if record.inForce != ValuesInForce(wanted) {
                checks.report(.endsWell, "\(name) is limited as wanted, and its record says \(record.inForce)")
            }
        }
    }

    /// A volume that its containers fill grows as far as it may, and no faster.
    private func seeThatItFits(_ name: VolumeName, on index: Int) {
        // A volume that was removed and made anew grows no more.
        let mayGrow = cluster.mutate { $0.etcd.read(name) }.volume?.record.runtime.autogrow != nil
        guard filling.contains(name.text), mayGrow, checks.violation == nil else { return }
        for _ in 0..<8 where size(of: name) < Setup.growthBound {
            // The first round wants a larger size, the second one gives it, and the third one is too early for more.
            for _ in 1...3 { mustSucceed(.tend, on: index) }
            guard checks.violation == nil else { return }
            cluster.mutate { $0.advance(by: .seconds(61)) }
        }
        for _ in 1...2 { mustSucceed(.tend, on: index) }
        let size = size(of: name)
        guard checks.violation == nil else { return }
        if cluster.mutate({ $0.etcd.attachments[name] })?.record.autogrowReason == nil {
            checks.report(.endsWell, "\(name) is full and grows no more, and its record does not say why")
        }
        guard size < Setup.growthBound else { return }
        checks.report(.endsWell, "\(name) is full and may grow to \(Setup.growthBound), and has \(size)")
    }

    /// A plugin that is killed while it has the filesystem frozen for a snapshot by schedule thaws it when it has been started again.
    private func seeThatAKillLeavesNothingFrozen(_ name: VolumeName, on index: Int) {
        guard checks.violation == nil, seed % 4 == 2 else { return }
        killedAfter = seed % 8 == 2 ? .filesystemFreeze : .snapshotTake
        for _ in 1...4 where killedAfter != nil {
            cluster.mutate { $0.advance(by: .seconds(6)) }
            ask(.tend, of: index)
            pump { inFlight.isEmpty }
        }
        killedAfter = nil
        guard checks.violation == nil, hosts[index].plugin == nil else { return }
        if seed % 16 > 7 {
            // As `docker plugin disable --force` does: the plugin's mounts go as well, and containers keep theirs.
            cluster.mutate { $0.unmountLazily(below: Setup.mountRoot, on: hosts[index].name) }
        }
        startPlugin(on: index)
        pump { inFlight.isEmpty }
        cluster.mutate { world in
            let node = hosts[index].name
            for path in world.nodes[node]?.kernel.superblocks.keys.sorted() ?? [] where world.isFrozen(path, on: node) {
                checks.report(.endsWell, "the plugin of \(node) has been started, and leaves \(path) frozen")
            }
        }
    }

    /// A request for the snapshot of a slot arrives late, from a node that had sent it before another one had the volume: what
    /// the present owner finds then was not taken while it had the filesystem frozen.
    private func seeThatOlderSnapshotsAreNotFrozen(_ name: VolumeName, on index: Int) {
        guard checks.violation == nil, seed % 4 == 3 else { return }
        mustSucceed(.tend, on: index)
        pump { inFlight.isEmpty }
        cluster.mutate { $0.advance(by: .seconds(6)) }
        cluster.mutate { world in
            let now = world.wallClock(of: hosts[index].name)
            guard let volume = world.etcd.read(name).volume?.record, let schedule = volume.runtime.schedule else {
                return
            }
            world.takeLate(of: volume, schedule, now)
        }
        mustSucceed(.tend, on: index)
    }

    /// Who has the volume mounted takes its snapshots as they come due, and removes as many as are not to stay.
    private func seeThatItIsSnapshot(_ name: VolumeName, on index: Int) {
        cluster.mutate { _ = $0.setValues(Setup.scheduled(freezing: true), of: name.text) }
        seeThatAKillLeavesNothingFrozen(name, on: index)
        seeThatOlderSnapshotsAreNotFrozen(name, on: index)
        guard checks.violation == nil else { return }
        var before = WallTime(seconds: 0)
        for _ in 1...5 {
            cluster.mutate { $0.advance(by: .seconds(6)) }
            before = cluster.mutate { $0.wallClock(of: hosts[index].name) }
            mustSucceed(.tend, on: index)
            // A round that began earlier may be at the pool's snapshots: this one has left them to it.
            pump { inFlight.isEmpty }
        }
        guard checks.violation == nil else { return }
        cluster.mutate { world in
            guard let volume = world.etcd.read(name).volume?.record, let schedule = volume.runtime.schedule else {
                return
            }
            if isStillDue(volume, schedule, since: before) {
                checks.report(.endsWell, "\(name) is mounted, and has not got its snapshot since \(before)")
            }
            let scheduled = world.ceph.images[volume.image]?.snapshots.filter { $0.mark?.slot != nil } ?? []
            if !scheduled.contains(where: { $0.mark?.slot == volume.schedule?.last }) {
                checks.report(.endsWell, "\(name) has not the snapshot that its record says")
            }
            if scheduled.count > Setup.snapshotsKept {
                checks.report(
                    .endsWell, "\(name) is to keep \(Setup.snapshotsKept) snapshots, and has \(scheduled.count)")
            }
        }
    }

    /// A volume that nobody has mounted any more gets one more snapshot.
    private func seeThatItRests(_ name: VolumeName, on index: Int) {
        guard checks.violation == nil else { return }
        var before = WallTime(seconds: 0)
        for _ in 1...2 {
            cluster.mutate { $0.advance(by: .seconds(61)) }
            before = cluster.mutate { $0.wallClock(of: hosts[index].name) }
            mustSucceed(.tend, on: index)
        }
        guard checks.violation == nil else { return }
        cluster.mutate { world in
            let stored = world.etcd.read(name)
            guard let volume = stored.volume?.record, let schedule = volume.runtime.schedule else { return }
            if isStillDue(volume, schedule, since: before), ScheduleRule.mayHaveChanged(stored) {
                checks.report(.endsWell, "\(name) is at rest, and has not got the snapshot after its last owner")
            }
        }
    }

    /// Whether neither the slot of that time nor a later one was taken: the next one may have come meanwhile.
    private func isStillDue(_ volume: VolumeRecord, _ schedule: SnapshotSchedule, since time: WallTime) -> Bool {
        switch ScheduleRule.due(now: time, volume.schedule, schedule, uid: volume.uid) {
        case .nothing: false
        case .begin: true
        case .take(let slot): volume.schedule?.last.map { $0 < slot } ?? true
        }
    }

    private func size(of name: VolumeName) -> VolumeSize {
        cluster.mutate { $0.etcd.read(name) }.volume?.record.spec.size ?? Setup.growthBound
    }

    /// Where the volume is used at the end: elsewhere than where it still counts as mounted, because only who asks for
    /// it makes its owner let go of ids that nobody will give back; and wherever something of it is left.
    private func places(of volume: String, _ name: VolumeName, _ index: Int) -> [Int] {
        let owner = cluster.mutate { $0.etcd.attachments[name] }?.record.owner.node
        let first = hosts[index].name == owner ? (index + 1) % hosts.count : index
        return [first] + hosts.indices.filter { $0 != first && hasDevice(of: volume, on: $0) }
    }

    private func hasDevice(of volume: String, on index: Int) -> Bool {
        let name = hosts[index].name
        return cluster.mutate { world in
            world.nodes[name]?.kernel.mappings.contains { $0.image == Setup.image(volume) } ?? false
        }
    }

    /// Whoever put an image of that name there takes it away again.
    private func removePlantedImage(_ volume: String) {
        let image = Setup.image(volume)
        cluster.mutate { world in
            guard checks.forgetForeign(image) else { return }
            world.takeAway(image)
        }
    }

    private func removeForGood(_ volume: String) {
        guard let index = random.one(of: Array(hosts.indices)) else { return }
        cluster.mutate { world in
            _ = world.protect(volume, false)
            _ = world.setValues([.snapshots: "off"], of: volume)
            world.removeScheduledSnapshots(of: Setup.image(volume))
        }
        checks.forgetSnapshots()
        if volume == Setup.shared, letReadersGo(of: volume, besides: index) { return }
        mustSucceed(.remove(volume), on: index)
    }

    /// Ids that nobody gives back any more keep a node's mount. Nobody asks a reader to let go; whoever wants the volume removed asks
    /// each of the nodes that the error names.
    /// - Returns: whether the last of them has removed it.
    private func letReadersGo(of volume: String, besides index: Int) -> Bool {
        guard let name = try? VolumeName(volume) else { return false }
        cluster.mutate { $0.advance(by: Setup.settings.handOverGrace + .seconds(1)) }
        for other in hosts.indices where other != index && checks.violation == nil {
            guard cluster.mutate({ $0.etcd.readers[name]?.record[hosts[other].name] }) != nil else { continue }
            if case .done = outcome(of: .remove(volume), on: other) { return true }
        }
        return false
    }

    /// What Creates have left that nobody knows of any more is looked for now and then, and removed when it is old.
    private func letOrphansAge() {
        for _ in 1...3 where checks.violation == nil {
            cluster.mutate { $0.advance(by: Setup.settings.orphanAge) }
            tendEverywhere()
        }
    }

    /// A snapshot that was taken for one clone alone is gone when that is made.
    private func checkSnapshotsOfNow(_ world: World) {
        for (reference, image) in world.ceph.images {
            guard let left = image.listed.first(where: { CloneRule.isOfNow($0) }) else { continue }
            checks.report(
                .endsWell, "image \(reference) still has the snapshot \(left.name), of which a clone was made")
        }
    }

    private func checkNothingIsLeft(_ world: World) {
        var left = world.etcd.volumes.keys.map { "the record of volume \($0)" }
        left += world.etcd.attachments.keys.map { "the record of a mount of \($0)" }
        left += world.etcd.readers.keys.map { "who reads \($0)" }
        left += world.etcd.requests.keys.map { "what somebody has asked of \($0)" }
        left += world.etcd.trash.keys.map { "who is at removed volumes \($0)" }
        left += world.etcd.desired.keys.map { "what was wanted of \($0)" }
        left += world.ceph.images.keys.map { "image \($0.name)" }
        left += world.ceph.trash.values.map(\.reference.name).filter { $0 != Setup.trashedByHand }
            .map { "\($0) in the trash" }
        if !world.ceph.trash.values.contains(where: { $0.reference.name == Setup.trashedByHand }) {
            checks.report(.foreignUntouched, "what somebody had put into the trash was deleted")
        }
        for node in world.nodes.values {
            // What no mapper knows of can only be shut out.
            let devices = node.kernel.mappings.filter { !world.isLostAndShutOut($0) }
            left += devices.map { "\($0.path) (\($0.image)) on \(node.name)" }
            left += node.kernel.mounts.map { "\($0.mountpoint) on \(node.name)" }
        }
        if !left.isEmpty { checks.report(.endsWell, "left behind: \(left.sorted().joined(separator: ", "))") }
    }
}
