/// On whose behalf a program changes records.
public struct HistoryAuthor: Sendable, Hashable {
    /// Of the program.
    public var node: String
    /// Who typed the command; `nil` for the plugin itself.
    public var person: String?

    public init(node: String, person: String? = nil) {
        self.node = node
        self.person = person
    }
}

/// What happened to a volume: an entry of its history. Written in the transaction of the change itself, and never changed.
public struct HistoryEntry: Sendable, Hashable {
    public internal(set) var stamp = RecordStamp()
    /// By the clock of the node.
    public var at: WallTime
    public var node: String
    /// Who typed the command; `nil` where the plugin did it by itself, or for Docker.
    public var by: String?
    public var volume: VolumeName
    public var uid: String?
    /// The word of a `HistoryEvent`. A newer version may know more of them.
    public var event: String
    public var from: String?
    public var to: String?
    public var epoch: Epoch?
    public var why: String?
    /// What newer versions have recorded beside it.
    public internal(set) var unknown = UnknownFields()

    /// No longer text goes into an entry: there can be very many.
    static let longestText = 300

    public init(_ step: HistoryStep, of volume: VolumeName, by author: HistoryAuthor, at time: WallTime) {
        func short(_ text: String?) -> String? { text.map { ShownText.shown($0, limit: Self.longestText) } }
        at = time
        node = author.node
        by = short(author.person)
        self.volume = volume
        uid = step.uid
        event = step.event.rawValue
        (from, to) = (short(step.from), short(step.to))
        epoch = step.epoch
        why = short(step.why)
    }
}

extension HistoryEntry: CheckedRecord {
    public var keyName: String? { volume.text }

    public func check() throws(VolumeError) {
        try RecordForm.node(NodeIdentity(node: node, boot: "-"), "node")
        if let uid { try RecordForm.id(uid, "uid") }
        for (field, text) in [("by", by), ("event", event), ("from", from), ("to", to), ("why", why)] {
            guard let text, text.utf8.count > 8 * Self.longestText else { continue }
            throw VolumeError(
                .unexplained, "use its field '\(field)'", why: "it has \(text.utf8.count) bytes", outcome: .refused)
        }
    }
}

extension HistoryEntry: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        at = try fields.field("at")
        node = try fields.field("node")
        by = try fields.optional("by")
        volume = try fields.field("volume")
        uid = try fields.optional("uid")
        event = try fields.field("event")
        from = try fields.optional("from")
        to = try fields.optional("to")
        epoch = try fields.optional("epoch")
        why = try fields.optional("why")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(at, forKey: "at")
        try fields.encode(node, forKey: "node")
        try fields.encodeIfPresent(by, forKey: "by")
        try fields.encode(volume, forKey: "volume")
        try fields.encodeIfPresent(uid, forKey: "uid")
        try fields.encode(event, forKey: "event")
        try fields.encodeIfPresent(from, forKey: "from")
        try fields.encodeIfPresent(to, forKey: "to")
        try fields.encodeIfPresent(epoch, forKey: "epoch")
        try fields.encodeIfPresent(why, forKey: "why")
    }
}
