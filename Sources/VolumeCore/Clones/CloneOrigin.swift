/// Where the content of a volume comes from.
public enum Origin: Sendable, Hashable {
    /// The plugin made image and filesystem.
    case blank
    /// The image existed before the volume did and came in by the option `adopt`.
    case adopted
    /// The image was made of a snapshot of another volume's image.
    case cloned(CloneOrigin)
}

/// The snapshot that a volume was made of. It tells what was once: by now the volume may have an image that needs it no more.
public struct CloneOrigin: Sendable, Hashable {
    public var volume: VolumeName
    public var pool: String
    public var namespace: String
    /// Its uid, and librbd's id of its image.
    public var uid: String
    public var imageID: String
    public var snapshot: SnapshotName
    /// Ceph's number of the snapshot; `nil` for one that is taken for this clone alone, and removed as soon as that is made.
    public var snapshotID: UInt64?
    /// What its filesystem has at least. Whoever grows a volume makes the image larger first.
    public var size: VolumeSize
    /// How many images are read when this one has nothing of its own: 1 for a clone of what is no clone.
    public var depth: UInt8
    /// What newer versions have recorded of it.
    var unknown = UnknownFields()

    public init(
        volume: VolumeName, pool: String, namespace: String, uid: String, imageID: String, snapshot: SnapshotName,
        snapshotID: UInt64?, size: VolumeSize, depth: UInt8
    ) {
        self.volume = volume
        self.pool = pool
        self.namespace = namespace
        self.uid = uid
        self.imageID = imageID
        self.snapshot = snapshot
        self.snapshotID = snapshotID
        self.size = size
        self.depth = depth
    }

    /// Whether the snapshot is taken for this clone alone.
    public var isOfNow: Bool { snapshotID == nil }

    /// The image that the snapshot is one of.
    public var image: ImageReference { ImageReference(pool: pool, namespace: namespace, name: volume.text) }
}

extension CloneOrigin: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        volume = try VolumeName(given: fields.field("volume"))
        pool = try fields.field("pool")
        namespace = try fields.field("namespace", or: "")
        uid = try fields.field("uid")
        imageID = try fields.field("imageID")
        snapshot = try SnapshotName(fields.field("snapshot"))
        snapshotID = try fields.optional("snapshotID")
        size = try fields.field("size")
        depth = try fields.field("depth")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try fields.encode(volume.given, forKey: "volume")
        try fields.encode(pool, forKey: "pool")
        try fields.encode(namespace, forKey: "namespace")
        try fields.encode(uid, forKey: "uid")
        try fields.encode(imageID, forKey: "imageID")
        try fields.encode(snapshot.text, forKey: "snapshot")
        try fields.encodeIfPresent(snapshotID, forKey: "snapshotID")
        try fields.encode(size, forKey: "size")
        try fields.encode(depth, forKey: "depth")
    }

    /// - Throws: `VolumeError` for the first field that the plugin would not have written.
    func check() throws(VolumeError) {
        _ = try OptionValues.read(.pool, pool, ValueReader.place)
        if !namespace.isEmpty { _ = try OptionValues.read(.namespace, namespace, ValueReader.place) }
        try RecordForm.id(uid, "clonedFrom.uid")
        try RecordForm.id(imageID, "clonedFrom.imageID")
        try RecordForm.size(size, "clonedFrom.size")
    }
}
