/// What `desired/<name>` in etcd says: what an administrator wants a volume to be. What it is stands in its own record. Where the
/// two differ, the node that has the volume mounted makes it so, and takes this away.
public struct DesiredState: Sendable, Hashable {
    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    /// The incarnation of the volume that this is about.
    public var volumeUID: String
    /// A size that the volume is to have; never less than it has.
    public var size: VolumeSize?
    /// RFC 3339: since when it is wanted.
    public var since: String
    /// What newer versions want of it.
    public internal(set) var unknown = UnknownFields()

    public init(volumeUID: String, size: VolumeSize?, since: String) {
        self.volumeUID = volumeUID
        self.size = size
        self.since = since
    }
}

extension DesiredState: StoredRecord {
    public var summary: String { size?.description ?? "nothing" }

    public var keyName: String? { nil }

    public func check() throws(VolumeError) {
        try RecordForm.id(volumeUID, "volumeUID")
        if let size { try RecordForm.size(size, "size") }
    }
}

extension DesiredState: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        volumeUID = try fields.field("volumeUID")
        size = try fields.optional("size")
        since = try fields.field("since", or: "")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(volumeUID, forKey: "volumeUID")
        try fields.encodeIfPresent(size, forKey: "size")
        try fields.encode(since, forKey: "since")
    }
}
