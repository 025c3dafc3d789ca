/// When a filesystem is frozen for a snapshot, and who has to thaw it.
public enum FreezeRule {
    /// Whether this node's plugin, or an earlier run of it, may have frozen the filesystem that this node has mounted: a record
    /// says so before anything is frozen. What a person has frozen no record speaks of.
    public static func mayBeFrozen(_ stored: StoredVolume) -> Bool {
        isFreezingBySchedule(stored) || isFreezingByRequest(stored)
    }

    /// Whether the snapshots of that schedule are taken of a frozen filesystem.
    /// - Parameter shortest: the shortest interval for which whoever writes is made to wait.
    public static func freezes(_ schedule: SnapshotSchedule, shortest: Duration) -> Bool {
        schedule.freezes && schedule.every >= shortest
    }

    /// What an earlier owner of the volume had frozen is no concern of this one.
    private static func isFreezingBySchedule(_ stored: StoredVolume) -> Bool {
        guard let epoch = stored.attachment?.record.epoch else { return false }
        return stored.volume?.record.schedule?.freezing == epoch
    }

    private static func isFreezingByRequest(_ stored: StoredVolume) -> Bool {
        guard let request = stored.request?.record, case .snapshot = request.work else { return false }
        return request.hasBegun && request.state == .running
    }

    /// Whether the snapshot holds what the filesystem was while it was frozen.
    public static func isOfFrozen(_ taken: TakenSnapshot) -> Bool { taken.isNew }
}
