import Logging
import VolumeCore

/// Takes snapshots of volumes by their schedules, and removes those that are not to stay.
///
/// The slot decides on the name, and Ceph takes one snapshot of a name: so whoever takes it, restarts over it or comes too late,
/// there is one. The record of the volume says which slots were taken, so that one whose snapshot is gone is not taken again.
extension VolumeDriver {
    /// After a failure the next slot counts, or this one again after that time.
    private static var pauseAfterFailure: Duration { .seconds(10) }
    /// How often the volumes are looked through that nobody has mounted: they do not change, and there can be very many.
    private static var interval: Duration { .seconds(60) }

    /// Takes what is due: one volume of a pool at a time, all pools at the same time.
    public func takeDueSnapshots() async {
        let names = Dictionary(grouping: held + volumesAtRest(), by: \.pool).mapValues { $0.map(\.name) }
        await withTaskGroup(of: Void.self) { group in
            for (pool, names) in names.sorted(by: { $0.key < $1.key }) {
                group.addTask {
                    await snapshotting.takeIfFree(pool) {
                        for name in names where isSnapshotDue(name) { await takeBySchedule(name) }
                    }
                }
            }
        }
    }

    /// Those without an owner that may have changed since their last snapshot, now and then.
    private func volumesAtRest() -> [StoredVolume] {
        guard ports.catalog.isLoaded, scheduleMemory.isLookDue(every: Self.interval, now: ports.clock.now()) else {
            return []
        }
        return ports.catalog.compactMap { stored in
            guard stored.attachment == nil, let volume = stored.volume?.record,
                volume.policy != nil || !volume.runtime.isEmpty, ScheduleRule.mayHaveChanged(stored),
                schedule(of: volume) != nil
            else { return nil }
            return stored
        }
    }

    private func schedule(of volume: VolumeRecord) -> SnapshotSchedule? {
        // Nothing changes of what nobody writes to.
        guard volume.phase == .ready, volume.imageID != nil, !volume.isShared else { return nil }
        return wantedValues(of: volume)?.schedule
    }

    /// Whoever has the volume mounted takes its snapshots; while nobody has it, any node does.
    func step(for stored: StoredVolume) -> (ScheduleRule.Step, SnapshotSchedule)? {
        guard let volume = stored.volume?.record, let schedule = schedule(of: volume),
            ScheduleRule.mayHaveChanged(stored), RequestRule.holding(stored) == nil
        else { return nil }
        guard stored.attachment == nil || isMine(stored) else { return nil }
        return (rules.dueSnapshot(ports.clock.wallTime(), volume.schedule, schedule, volume.uid), schedule)
    }

    /// By this node's copy.
    private func isSnapshotDue(_ name: VolumeName) -> Bool {
        guard let stored = ports.catalog.find(name), let (step, _) = step(for: stored), step != .nothing,
            !Task.isCancelled
        else { return false }
        if isSilent(stored.pool) { return false }
        return !scheduleMemory.hasFailed(name, within: Self.pauseAfterFailure, of: ports.clock.now())
    }

    private func takeBySchedule(_ name: VolumeName) async {
        do {
            try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) { try await takeIfDue(name) }
            scheduleMemory.forgetFailure(of: name)
        } catch {
            let isNews = scheduleMemory.noteFailure(of: name, "\(error)", at: ports.clock.now())
            log.log(
                level: isNews ? .warning : .info, "could not take a snapshot that is due; trying again",
                metadata: ["volume": "\(name)", "error": "\(error)"])
        }
    }

    private func takeIfDue(_ name: VolumeName) async throws {
        guard let known = ports.catalog.find(name), let volume = known.volume?.record,
            let (step, schedule) = step(for: known), let image = SnapshotImage(volume)
        else { return }
        if case .begin = step { return try await begin(name) }
        if mayFreeze(known, schedule) { return try await takeFrozen(name, of: image) }
        try await inFreeSlot(of: known.pool) {
            // Before etcd is asked: nothing may come between its answer and the snapshot, however long it takes.
            let others = try await snapshotsToday(of: image, name)
            let stored = try await read(name)
            guard let now = stored.volume?.record, SnapshotImage(now) == image,
                case (.take(let slot), let schedule)? = self.step(for: stored)
            else { return }
            guard let taken = try await take(slot, of: image, stored) else {
                try await note(name, image) { $0.passing(slot, schedule) }
                return
            }
            let all = others.filter { $0.id != taken.id } + [taken]
            guard try await record(taken, slot, schedule, among: all, of: image, over: stored) else { return }
            await removeSurplus(all, schedule.keep, of: image, name)
        }
    }

    /// The snapshots that there are, of which none is half taken.
    func snapshotsToday(of image: SnapshotImage, _ name: VolumeName) async throws -> [VolumeSnapshot] {
        let all = try await finished(try await ports.snapshots.snapshots(of: image.reference, id: image.id), image)
        try refuseTooMany(all, name)
        return all
    }

    /// Takes the snapshot of a slot.
    /// - Parameter mounted: what is frozen meanwhile; `nil` for nothing.
    /// - Returns: `nil` when somebody else's snapshot has its name.
    func take(
        _ slot: WallTime, of image: SnapshotImage, _ stored: StoredVolume, freezing mounted: MountedVolume? = nil
    ) async throws -> VolumeSnapshot? {
        let snapshot = try ScheduleRule.name(of: slot)
        do {
            let mark = SnapshotMark.scheduled(slot, consistency: .crash, by: me.node)
            let taken = try await take(snapshot, mark, of: image.reference, image.id, freezing: mounted)
            scheduleMemory.count(.taken)
            log.step(
                "took a snapshot by schedule", stored.name,
                ["snapshot": "\(snapshot)", "consistency": "\(taken.mark?.consistency ?? .crash)"])
            return taken
        } catch let error as VolumeError where error.code == .alreadyExists {
            scheduleMemory.count(.failed)
            log.warning(
                "a snapshot that is due cannot be taken: somebody else's has its name",
                metadata: ["volume": "\(stored.name)", "snapshot": "\(snapshot)"])
            return nil
        }
    }

    /// The record says that the slot is taken, and so does it of all whose snapshots are there: of one it may not have heard, and
    /// before a snapshot goes it has to. Of a volume that nobody has had meanwhile, the filesystem is whole.
    /// - Returns: whether the record says so.
    private func record(
        _ taken: VolumeSnapshot, _ slot: WallTime, _ schedule: SnapshotSchedule, among all: [VolumeSnapshot],
        of image: SnapshotImage, over stored: StoredVolume
    ) async throws -> Bool {
        func progress(_ before: ScheduleProgress, atRestSince rest: Epoch?) -> ScheduleProgress {
            before.taking(slot, schedule, among: all, atRestSince: rest)
        }
        guard stored.attachment == nil, var volume = stored.volume?.record else {
            return try await note(stored.name, image) { progress($0, atRestSince: ScheduleRule.epochAtRest(stored)) }
        }
        volume.schedule = progress(volume.schedule ?? ScheduleProgress(), atRestSince: volume.epoch)
        let whole = volume
        let wasAtRest = try await operation("note the snapshot of", stored.name) {
            try await commit(.init(volume: .put(whole)), over: stored) != nil
        }
        guard wasAtRest, var mark = taken.mark else {
            return try await note(stored.name, image) { progress($0, atRestSince: nil) }
        }
        mark.consistency = .unmounted
        try await ports.snapshots.mark(taken.id, of: image.reference, id: image.id, mark)
        return true
    }

    /// In the volume's turn, for a moment. What another node has now that node will see for itself.
    /// - Returns: whether the record says so.
    @discardableResult
    func note(
        _ name: VolumeName, _ image: SnapshotImage, _ change: (ScheduleProgress) -> ScheduleProgress
    ) async throws -> Bool {
        try await operation("note the snapshot of", name) {
            let stored = try await read(name)
            guard var volume = stored.volume?.record, volume.phase == .ready, SnapshotImage(volume) == image,
                stored.attachment == nil || isMine(stored)
            else { return false }
            volume.schedule = change(volume.schedule ?? ScheduleProgress())
            guard volume != stored.volume?.record else { return true }
            return try await commit(.init(volume: .put(volume)), over: stored) != nil
        }
    }

    func isMine(_ stored: StoredVolume) -> Bool {
        stored.attachment?.record.owner == me && stored.attachment?.record.state == .attached
    }

    /// A schedule that is new begins with its next slot.
    private func begin(_ name: VolumeName) async throws {
        try await operation("begin the schedule of", name) {
            let stored = try await read(name)
            guard var volume = stored.volume?.record, case (.begin(let slot), let schedule)? = step(for: stored) else {
                return
            }
            volume.schedule = ScheduleProgress().passing(slot, schedule)
            _ = try await commit(.init(volume: .put(volume)), over: stored)
        }
    }

    /// What a node has taken that was ended before it could mark it is known for the plugin's own from now on.
    private func finished(_ snapshots: [VolumeSnapshot], _ image: SnapshotImage) async throws -> [VolumeSnapshot] {
        var finished = snapshots
        for (index, snapshot) in snapshots.enumerated() {
            guard let slot = snapshot.unfinishedSlot else { continue }
            finished[index] = try await ports.snapshots.take(
                SnapshotName(snapshot.name), of: image.reference, id: image.id,
                mark: .scheduled(slot, consistency: .crash, by: me.node)
            ).snapshot
        }
        return finished
    }

    private func refuseTooMany(_ snapshots: [VolumeSnapshot], _ name: VolumeName) throws {
        // One more for the moment until the surplus goes.
        guard snapshots.count > SnapshotKeep.most else { return }
        throw VolumeError(
            .noSpace, "take a snapshot of volume \(name)",
            why: "it has \(snapshots.count) snapshots, and at most \(SnapshotKeep.most) are allowed",
            remedy: "remove some with 'rbd-plugin snapshot rm', or keep fewer with 'rbd-plugin volume set \(name)"
                + " snapshots.keep='",
            outcome: .refused)
    }

    /// What cannot be removed now stays until after the next snapshot.
    func removeSurplus(
        _ snapshots: [VolumeSnapshot], _ keep: SnapshotKeep, of image: SnapshotImage, _ name: VolumeName
    ) async {
        for snapshot in rules.surplus(snapshots, keep) {
            do {
                try await ports.snapshots.remove(snapshot.id, of: image.reference, id: image.id)
                scheduleMemory.count(.removed)
                log.step("removed a snapshot by schedule", name, ["snapshot": "\(snapshot.name)"])
            } catch {
                scheduleMemory.count(.failed)
                log.info(
                    "could not remove a snapshot that is not to stay",
                    metadata: ["volume": "\(name)", "snapshot": "\(snapshot.name)", "error": "\(error)"])
            }
        }
    }

    /// Of an image that is to be deleted.
    /// - Returns: whether there were any, and nothing else is left.
    func removeScheduledSnapshots(ofTrashed image: TrashedImage) async throws -> Bool {
        let reference = ImageReference(
            pool: image.place.pool, namespace: image.place.namespace, name: image.volume.text)
        let snapshots = try await ports.snapshots.snapshots(of: reference, id: image.id)
        guard !snapshots.isEmpty, snapshots.allSatisfy(\.isScheduledAndFree) else { return false }
        for snapshot in snapshots { try await ports.snapshots.remove(snapshot.id, of: reference, id: image.id) }
        return true
    }

    /// When the next one may be due, by the clock of this node.
    func nextSnapshot(of stored: StoredVolume) -> WallTime? {
        guard let volume = stored.volume?.record, let schedule = schedule(of: volume),
            ScheduleRule.mayHaveChanged(stored)
        else { return nil }
        return ScheduleRule.next(after: ports.clock.wallTime(), schedule, uid: volume.uid)
    }

    /// How many snapshots this run has taken and removed by schedule, and how often it could not.
    public var snapshotOutcomes: [SnapshotOutcome: Int] { scheduleMemory.outcomes }
}

/// The image of a volume, known by its id.
struct SnapshotImage: Sendable, Hashable {
    let reference: ImageReference
    let id: String
    let uid: String

    /// `nil` before it is known.
    init?(_ volume: VolumeRecord) {
        guard let id = volume.imageID else { return nil }
        (reference, self.id, uid) = (volume.image, id, volume.uid)
    }
}
