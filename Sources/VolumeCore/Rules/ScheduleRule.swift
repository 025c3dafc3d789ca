/// When a snapshot of a volume is due.
///
/// The slots of a volume are an interval apart, in UTC, and begin at a moment of the volume's own: so not all volumes of a pool
/// are at it at once. Only the latest slot counts: of those that were missed one is made up for. The record knows the slots that
/// were taken, and a clock that is put back does not come to them again.
public enum ScheduleRule {
    public enum Step: Sendable, Hashable {
        case nothing
        /// The schedule is new: this slot, which has passed, is the last without a snapshot.
        case begin(WallTime)
        case take(WallTime)
    }

    /// - Parameters:
    ///   - now: by the wall clock.
    ///   - progress: what the volume's record says; `nil` before the schedule has begun.
    ///   - uid: the volume's.
    public static func due(
        now: WallTime, _ progress: ScheduleProgress?, _ schedule: SnapshotSchedule, uid: String
    ) -> Step {
        let slot = latestSlot(before: now, schedule, uid)
        guard let progress else { return .begin(slot) }
        return progress.slots.contains(slot) ? .nothing : .take(slot)
    }

    /// When the next slot begins that may be taken.
    public static func next(after now: WallTime, _ schedule: SnapshotSchedule, uid: String) -> WallTime {
        latestSlot(before: now, schedule, uid) + .seconds(schedule.seconds)
    }

    /// Whether the volume can have changed since the last snapshot that was taken by itself.
    public static func mayHaveChanged(_ stored: StoredVolume) -> Bool {
        guard let epoch = epochAtRest(stored) else { return true }
        return stored.volume?.record.schedule?.atRestSince != epoch
    }

    /// The epoch since whose begin nobody can have written to the volume: no node has it, or one has it read-only. The first mount of
    /// an epoch replays what the owner before has left in the filesystem's log. `nil` where somebody may write.
    public static func epochAtRest(_ stored: StoredVolume) -> Epoch? {
        guard let volume = stored.volume?.record else { return nil }
        guard let owner = stored.attachment?.record else { return volume.epoch }
        return volume.spec.access == .readOnly && owner.state == .attached ? volume.epoch : nil
    }

    static func latestSlot(before now: WallTime, _ schedule: SnapshotSchedule, _ uid: String) -> WallTime {
        let period = schedule.seconds
        let since = (now.seconds - TrimRule.offset(of: uid + "/snapshots", period)) % period
        return WallTime(seconds: now.seconds - (since < 0 ? since + period : since))
    }

    /// The name of the snapshot of a slot, the same on every node: Ceph has only one of a name. Names sort as times do.
    public static func name(of slot: WallTime) throws(VolumeError) -> SnapshotName {
        try SnapshotName(SnapshotMark.namePrefix + slot.description.filter { $0 != "-" && $0 != ":" })
    }
}
