/// How a volume becomes larger. Nothing makes one smaller.
public enum GrowthRule {
    /// What an operator's wish makes of the records: a write beside the plugins (`OperatorWriteRule`).
    /// - Parameter policy: that of the volume, where there is one.
    /// - Returns: the record to write; `nil` when the volume has that size and nothing else is wanted.
    /// - Throws: `VolumeError`: `notFound`; `invalidOption` for a size that the volume cannot get; `conflict` while the volume is
    ///   being created, mounted, unmounted or removed.
    public static func request(
        _ size: VolumeSize, for stored: StoredVolume, policy: NamedPolicy? = nil, at time: WallTime
    ) throws(VolumeError) -> DesiredState? {
        let what = "resize volume \(stored.name) to \(size)"
        guard let volume = stored.volume?.record else { throw VolumeError.noSuchVolume(what) }
        try OperatorWriteRule.refuseUnlessReady(volume, what)
        guard volume.spec.access == .readWrite else {
            throw VolumeError(
                .invalidOption, what, why: "it is read-only, and a filesystem is written to when it grows",
                outcome: .refused)
        }
        guard size >= volume.spec.size else {
            throw VolumeError(
                .invalidOption, what, why: "it has \(volume.spec.size), and volumes never shrink",
                remedy: "give a larger size; or create a smaller volume and copy the files", outcome: .refused)
        }
        try refuseTooLarge(volume.spec.resized(to: size), what)
        try policy?.check(size, what)
        try OperatorWriteRule.refuseWhileUnderWay(stored, what)
        let current = wanted(stored)
        if size == volume.spec.size && current == nil || size == current { return nil }
        return wish(size, stored, volume, at: time)
    }

    /// What a Create refuses, no volume becomes later.
    private static func refuseTooLarge(_ spec: VolumeSpec, _ what: String) throws(VolumeError) {
        do {
            try VolumeRequest.checkSize(of: spec)
        } catch {
            throw VolumeError(.invalidOption, what, why: error.why, remedy: "give a smaller size", outcome: .refused)
        }
    }

    /// The size that the volume is to have and has not. Whoever may write to etcd can want anything: what the command refuses
    /// is not wanted.
    public static func wanted(_ stored: StoredVolume) -> VolumeSize? {
        guard let volume = stored.volume?.record, let desired = stored.desired?.record, volume.phase == .ready,
            volume.spec.access == .readWrite, desired.volumeUID == volume.uid, let size = desired.size,
            size > volume.spec.size,
            (try? VolumeRequest.checkSize(of: volume.spec.resized(to: size))) != nil
        else { return nil }
        return size
    }

    /// What is wanted of a volume whose image somebody has made larger by other means: that its filesystem fills it.
    /// - Parameter image: the size that the image has.
    /// - Returns: the record to write; `nil` when the volume has that size, or is to have it already.
    public static func following(
        _ image: VolumeSize, _ stored: StoredVolume, at time: WallTime
    ) -> DesiredState? {
        guard let volume = stored.volume?.record, volume.phase == .ready,
            volume.spec.access == .readWrite, image > wanted(stored) ?? volume.spec.size,
            (try? VolumeRequest.checkSize(of: volume.spec.resized(to: image))) != nil
        else { return nil }
        return wish(image, stored, volume, at: time)
    }

    private static func wish(
        _ size: VolumeSize, _ stored: StoredVolume, _ volume: VolumeRecord, at time: WallTime
    ) -> DesiredState {
        var desired = stored.desired?.record.volumeUID == volume.uid ? stored.desired?.record : nil
        desired?.size = size
        return desired ?? DesiredState(volumeUID: volume.uid, size: size, since: time.description)
    }

    /// What the records become once the volume has the size that was wanted.
    public static func done(_ size: VolumeSize, _ stored: StoredVolume, at time: WallTime) -> StoreChange? {
        guard var volume = stored.volume?.record, size > volume.spec.size else { return nil }
        if volume.createdSize == nil { volume.createdSize = volume.spec.size }
        volume.spec.size = size
        volume.grownAt = time
        let isFulfilled = (stored.desired?.record.size ?? size) <= size
        var change = StoreChange(volume: .put(volume), desired: isFulfilled ? .delete : .keep)
        if var attachment = stored.attachment?.record {
            (attachment.growthReason, attachment.autogrowReason) = (nil, nil)
            if attachment != stored.attachment?.record { change.attachment = .put(attachment) }
        }
        return change
    }

    /// What the records become when the image has been brought back to a time when it was smaller: the volume has that size, and is
    /// to grow to what it had. So its filesystem fills its image as soon as it is mounted.
    /// - Returns: `nil` when the image is as large as the volume.
    public static func rolledBack(
        to image: VolumeSize, _ stored: StoredVolume, at time: WallTime
    ) -> (volume: VolumeRecord, desired: DesiredState)? {
        guard let volume = stored.volume?.record, image < volume.spec.size else { return nil }
        var smaller = volume
        if smaller.createdSize == nil { smaller.createdSize = volume.spec.size }
        smaller.spec.size = image
        return (smaller, wish(wanted(stored) ?? volume.spec.size, stored, volume, at: time))
    }
}

extension VolumeSpec {
    /// The same with another size.
    public func resized(to size: VolumeSize) -> VolumeSpec {
        var spec = self
        spec.size = size
        return spec
    }
}
