/// When a filesystem is frozen for a snapshot, and who has to thaw it.
public enum FreezeRule {
    /// Whether this node's plugin, or an earlier run of it, may have frozen the filesystem that this node has mounted: a record
    /// says so before anything is frozen. What a person has frozen no record speaks of.
    public static func mayBeFrozen(_ stored: StoredVolume) -> Bool {
        isFreezingBySchedule(stored) || isFreezingByRequest(stored)
    }

    /// Whether what may be frozen has to be mounted at its mountpoint again before it can be thawed: that has been taken away, as
    /// `docker plugin disable --force` does, and containers have the filesystem in mounts of their own. One that nobody uses is not
    /// mounted here: the next Mount checks it first.
    /// - Parameters:
    ///   - mountpoint: where this run of the plugin mounts the volume.
    ///   - isMounted: whether anything is mounted there.
    ///   - isInUse: whether the kernel has the device in use.
    public static func mountsAgain(
        _ attachment: Attachment, at mountpoint: String, isMounted: Bool, isInUse: Bool
    ) -> Bool {
        attachment.state == .attached && attachment.mountpoint == mountpoint && !isMounted && isInUse
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
