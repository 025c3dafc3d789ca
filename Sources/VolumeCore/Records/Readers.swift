/// What `readers/<name>` in etcd says: which nodes have a volume mounted that nobody writes to (`VolumeRecord.isShared`).
///
/// One record for all of them, so that whoever removes the volume, or mounts it, decides by a single guard. Only its own node writes
/// to an entry, but for a removal, which takes the record away with the volume.
public struct Readers: Sendable, Hashable {
    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    /// The incarnation of the volume that this is about.
    public var volumeUID: String
    /// By the names of the nodes. An entry says what the record of a mount says; it names no clients, since there is nothing
    /// that anybody would have to be shut out from.
    public private(set) var mounts: [String: Attachment]
    /// What newer versions have recorded of it.
    public internal(set) var unknown = UnknownFields()

    public init(volumeUID: String) {
        self.volumeUID = volumeUID
        mounts = [:]
    }

    public subscript(node: String) -> Attachment? {
        get { mounts[node] }
        set { mounts[node] = newValue }
    }

    /// In order of the nodes' names.
    public var all: [Attachment] { mounts.sorted { $0.key < $1.key }.map(\.value) }
}

extension Readers: StoredRecord {
    public var summary: String { mounts.isEmpty ? "none" : mounts.keys.sorted().joined(separator: "+") }

    public var keyName: String? { nil }

    public func check() throws(VolumeError) {
        try RecordForm.id(volumeUID, "volumeUID")
        for (node, mount) in mounts {
            try mount.check()
            guard mount.owner.node == node, mount.volumeUID == volumeUID, mount.clients.isEmpty, mount.fenced == nil,
                mount.wantedBy == nil, mount.state != .fencing
            else {
                throw VolumeError(
                    .unexplained, "use its entry of node \(ShownText.shown(node))", why: "it is no reader's",
                    outcome: .refused)
            }
        }
    }
}

extension Readers: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        volumeUID = try fields.field("volumeUID")
        mounts = try fields.field("nodes")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(volumeUID, forKey: "volumeUID")
        try fields.encode(mounts, forKey: "nodes")
    }
}
