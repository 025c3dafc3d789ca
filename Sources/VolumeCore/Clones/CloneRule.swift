/// The snapshot of an image that a clone is made of.
public struct ParentSnapshot: Sendable, Hashable {
    /// Where the image is, and librbd's id of it.
    public var image: ImageReference
    public var imageID: String
    /// Ceph's number of the snapshot.
    public var id: UInt64
    public var name: String

    public init(image: ImageReference, imageID: String, id: UInt64, name: String) {
        self.image = image
        self.imageID = imageID
        self.id = id
        self.name = name
    }
}

/// What a clone is, by what it is made out of and by what was asked for.
public enum CloneRule {
    /// A clone of a clone is read through all of them. The kernel's driver opens 16 at most.
    public static let deepest: UInt8 = 8

    /// What the name and the token of a snapshot begin with that is taken for one clone alone.
    static let snapshotPrefix = "clone-"

    /// A snapshot that is taken for the volume alone that is being cloned. Whoever makes the clone takes the same.
    public static func snapshotOfNow(for uid: String) throws(VolumeError) -> SnapshotName {
        try SnapshotName(snapshotPrefix + uid)
    }

    /// What is noted of it.
    public static func mark(for volume: VolumeRecord) -> SnapshotMark {
        SnapshotMark(
            consistency: .crash, by: "clone \(volume.name.given)", token: snapshotPrefix + volume.uid)
    }

    /// Whether the snapshot was taken for that clone alone. An attempt that was cut off may not have come to marking it.
    public static func isOfNow(_ snapshot: VolumeSnapshot, for volume: VolumeRecord) -> Bool {
        (snapshot.mark?.token ?? snapshot.attempt) == mark(for: volume).token
    }

    /// Whether the snapshot was taken for one clone alone.
    public static func isOfNow(_ snapshot: VolumeSnapshot) -> Bool {
        (snapshot.mark?.token ?? snapshot.attempt)?.hasPrefix(snapshotPrefix) == true
    }

    /// - Throws: `VolumeError`: `conflict` for a volume that is not ready, that a request holds, or that is a clone of too many
    ///   clones.
    public static func parent(
        _ stored: StoredVolume, for name: VolumeName
    ) throws(VolumeError) -> (record: VolumeRecord, imageID: String) {
        let what = "create volume \(name) out of \(stored.name.given)"
        guard let record = stored.volume?.record else {
            throw VolumeError(
                .notFound, what, why: "there is no volume \(stored.name.given)",
                remedy: "see 'docker volume ls', or leave 'from' out", outcome: .refused)
        }
        guard record.phase == .ready, let imageID = record.imageID else {
            throw VolumeError(
                .conflict, what, why: "volume \(stored.name.given) is \(record.phase.rawValue), not ready",
                outcome: .refused)
        }
        try RequestRule.refuseWhileHeld(stored, what)
        guard record.spec.features.contains(.layering) else {
            throw VolumeError(
                .unsupported, what, why: "the image of volume \(stored.name.given) lacks the feature layering",
                remedy: "copy it instead: 'rbd deep cp', and create the volume with 'adopt'", outcome: .refused)
        }
        guard (record.clonedFrom?.depth ?? 0) < deepest else {
            throw VolumeError(
                .conflict, what,
                why: "volume \(stored.name.given) is a clone of a clone, \(deepest) deep, and that is the most",
                remedy: "make a clone of a volume that it was made out of",
                outcome: .refused)
        }
        return (record, imageID)
    }

    /// What a clone is where neither its options nor its policy say it.
    public static func defaults(_ settings: VolumeDefaults, of parent: VolumeSpec) -> VolumeDefaults {
        var defaults = settings
        defaults.pool = parent.pool
        defaults.order = parent.order
        defaults.features = parent.features.settable
        defaults.filesystem = parent.filesystem
        return defaults
    }

    /// - Parameters:
    ///   - size: that of the snapshot.
    /// - Throws: `VolumeError` with code `invalidOption` for what such a clone cannot be.
    public static func spec(
        _ request: VolumeRequest, of parent: VolumeSpec, size: VolumeSize
    ) throws(VolumeError) -> VolumeSpec {
        var spec = request.spec
        if request.given.contains(.fstype), spec.filesystem != parent.filesystem {
            throw VolumeError.refusedCreate(
                "fstype=\(spec.filesystem.rawValue) is given, and a clone has the filesystem of what it is made out of:"
                    + " \(parent.filesystem.rawValue)",
                remedy: "leave fstype out")
        }
        spec.filesystem = parent.filesystem
        spec.mkfsOptions = []
        if spec.access == .readOnly {
            try refuseOtherSize(request, than: size)
            spec.size = size
        } else if !request.given.contains(.size) {
            spec.size = max(size, request.decided.contains(.size) ? spec.size : size)
        }
        if spec.size < size {
            throw VolumeError.refusedCreate(
                "size=\(spec.size) is given, and what the clone is made out of has \(size)",
                remedy: "leave the size out, or give a larger one")
        }
        inherit(from: parent, besides: request.decided, &spec)
        spec.features.insert(.layering)
        if spec.access == .readOnly { try requireLock(&spec, request) }
        try spec.checkMountOptions()
        try spec.checkMapOptions()
        try spec.checkStriping()
        try VolumeRequest.checkObjects(of: spec)
        return spec
    }

    /// The filesystem of a volume that nobody writes to stays as large as it is.
    private static func refuseOtherSize(_ request: VolumeRequest, than size: VolumeSize) throws(VolumeError) {
        guard request.given.contains(.size), request.spec.size != size else { return }
        throw VolumeError.refusedCreate(
            "size=\(request.spec.size) is given, and a read-only volume has the size of what it is made out of: \(size)",
            remedy: "leave the size out")
    }

    /// The lock of its image tells whether somebody writes to it beside the plugin.
    private static func requireLock(_ spec: inout VolumeSpec, _ request: VolumeRequest) throws(VolumeError) {
        guard request.given.contains(.features), !spec.features.contains(.exclusiveLock) else {
            spec.features.insert(.exclusiveLock)
            return
        }
        throw VolumeError.refusedCreate(
            "features=\(spec.features.names.joined(separator: ",")) is given, and a read-only volume that is made out of"
                + " another one needs exclusive-lock",
            remedy: "add it, or leave the features out")
    }

    /// The size that the filesystem of a clone has for certain: somebody may have made the parent's image larger, and its
    /// filesystem not yet.
    public static func certainSize(of parent: VolumeRecord, snapshot: VolumeSize) -> VolumeSize {
        min(parent.createdSize ?? parent.spec.size, parent.spec.size, snapshot)
    }

    /// What is recorded of a volume that is made. Where a clone is to have more than its filesystem has for certain, that is wanted
    /// of it from now on: whoever mounts it first gives it that.
    public static func ready(_ volume: VolumeRecord, at time: WallTime) -> StoreChange {
        guard let origin = volume.clonedFrom, origin.size < volume.spec.size else {
            return StoreChange(volume: .put(volume))
        }
        var ready = volume
        ready.createdSize = volume.spec.size
        ready.spec.size = origin.size
        // The filesystem stays as it is where nobody writes.
        if volume.isShared { return StoreChange(volume: .put(ready)) }
        let desired = DesiredState(volumeUID: volume.uid, size: volume.spec.size, since: time.description)
        return StoreChange(volume: .put(ready), desired: .put(desired))
    }

    private static func inherit(
        from parent: VolumeSpec, besides decided: Set<VolumeOption>, _ spec: inout VolumeSpec
    ) {
        if !decided.contains(.pool) {
            if !decided.contains(.namespace) { spec.namespace = parent.namespace }
            if !decided.contains(.dataPool) { spec.dataPool = parent.dataPool }
        }
        if !decided.contains(.stripeUnit), !decided.contains(.stripeCount), !decided.contains(.order) {
            spec.stripeUnit = parent.stripeUnit
            spec.stripeCount = parent.stripeCount
        }
        if !decided.contains(.mountOptions) { spec.mountOptions = parent.mountOptions }
        if !decided.contains(.mapOptions) { spec.mapOptions = parent.mapOptions }
    }
}
