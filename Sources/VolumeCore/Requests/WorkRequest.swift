/// What `requests/<name>` in etcd says: work on a volume that somebody has asked for. Any node that can does it, one at a time;
/// when that one dies, another does it from the beginning. There is one of each volume at a time. It stays for a while when
/// it has come to its end, for whoever asked.
public struct WorkRequest: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// No node is at it yet.
        case waiting
        /// `node` is at it, or was when it died.
        case running
        case done
        /// It has come to its end without being done; `result` says why.
        case failed
    }

    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    /// The incarnation of the volume that this is about.
    public var volumeUID: String
    /// Tells it from every other request.
    public var token: String
    public var work: RequestedWork
    /// Who asked: `operator@n1`.
    public var askedBy: String
    public var since: WallTime
    public var state = State.waiting
    /// Who is at it, or was last.
    public var node: NodeIdentity?
    /// How much of it is done, in percent; `nil` for work that does not tell.
    public var progress: Int?
    /// What came of it, for people.
    public var result: String?
    /// When it came to its end.
    public var endedAt: WallTime?
    /// Whether the image may have been changed in part, or the filesystem may be frozen. When a rollback failed then, nothing is
    /// done with the volume before that has been put right.
    public var hasBegun = false
    /// What newer versions have recorded of it.
    public internal(set) var unknown = UnknownFields()

    public init(volumeUID: String, token: String, work: RequestedWork, askedBy: String, since: WallTime) {
        self.volumeUID = volumeUID
        self.token = token
        self.work = work
        self.askedBy = askedBy
        self.since = since
    }

    public var isUnfinished: Bool { state == .waiting || state == .running }

    /// Whether it has left the image neither as it was nor as it was to be.
    public var isHalfDone: Bool { state == .failed && hasBegun && work.holdsVolume }
}

extension WorkRequest: StoredRecord {
    public var summary: String { state.rawValue }

    public var keyName: String? { nil }

    public func check() throws(VolumeError) {
        try RecordForm.id(volumeUID, "volumeUID")
        try RecordForm.id(token, "token")
        if case .snapshot(_, let token) = work { try RecordForm.id(token, "snapshotToken") }
        if let node { try RecordForm.node(node, "node") }
        if let progress { try RecordForm.percent(progress, "progress") }
    }
}

extension WorkRequest: Codable {
    /// The kinds of work, as they stand in the record.
    private enum Kind: String {
        case rollBack = "rollback"
        case snapshot, trim
    }

    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        volumeUID = try fields.field("volumeUID")
        token = try fields.field("token")
        work = try Self.work(&fields)
        askedBy = try fields.field("askedBy", or: "")
        since = try fields.field("since")
        state = try fields.kind("state")
        node = try fields.optional("node")
        progress = try fields.optional("progress")
        result = try fields.optional("result")
        endedAt = try fields.optional("endedAt")
        hasBegun = try fields.field("begun", or: false)
        unknown = try fields.unknown()
    }

    private static func work(_ fields: inout RecordReader) throws -> RequestedWork {
        let text: String = try fields.field("work")
        guard let kind = Kind(rawValue: text) else { return .other(text) }
        switch kind {
        case .rollBack: return .rollBack(snapshot: try fields.field("snapshotID"), name: try fields.field("snapshot"))
        case .snapshot:
            return .snapshot(try SnapshotName(try fields.field("snapshot")), token: try fields.field("snapshotToken"))
        case .trim: return .trim
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(volumeUID, forKey: "volumeUID")
        try fields.encode(token, forKey: "token")
        try encode(work, to: &fields)
        try fields.encode(askedBy, forKey: "askedBy")
        try fields.encode(since, forKey: "since")
        try fields.encode(state, forKey: "state")
        try fields.encodeIfPresent(node, forKey: "node")
        try fields.encodeIfPresent(progress, forKey: "progress")
        try fields.encodeIfPresent(result, forKey: "result")
        try fields.encodeIfPresent(endedAt, forKey: "endedAt")
        if hasBegun { try fields.encode(true, forKey: "begun") }
    }

    private func encode(_ work: RequestedWork, to fields: inout KeyedEncodingContainer<RecordField>) throws {
        let kind: Kind
        switch work {
        // What else there is to say of it is among the unknown fields.
        case .other(let text): return try fields.encode(text, forKey: "work")
        case .rollBack(let snapshot, let name):
            kind = .rollBack
            try fields.encode(snapshot, forKey: "snapshotID")
            try fields.encode(name, forKey: "snapshot")
        case .snapshot(let name, let token):
            kind = .snapshot
            try fields.encode(name.text, forKey: "snapshot")
            try fields.encode(token, forKey: "snapshotToken")
        case .trim: kind = .trim
        }
        try fields.encode(kind.rawValue, forKey: "work")
    }
}
