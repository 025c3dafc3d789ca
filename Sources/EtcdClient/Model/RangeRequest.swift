/// A read of one key or many. Linearizable unless asked otherwise: the answer is not older than the call.
public struct RangeRequest: Sendable, Equatable {
    public var keys: KeyRange
    /// At most so many keys; nil for all.
    public var limit: Int64?
    /// Reads the store as it was at this revision; nil for now.
    public var revision: Int64?
    /// Answered by the member alone, without asking the leader: faster, works without a leader, and may be stale.
    public var serializable = false
    /// Leaves the values out.
    public var keysOnly = false
    /// Only counts.
    public var countOnly = false

    public init(_ keys: KeyRange, limit: Int64? = nil, revision: Int64? = nil) {
        self.keys = keys
        self.limit = limit
        self.revision = revision
    }
}

public struct RangeResponse: Sendable, Equatable {
    /// The store's revision when it answered.
    public var revision: Int64
    /// In the order of their keys' bytes.
    public var kvs: [KeyValue]
    /// True when the limit has left some out.
    public var more: Bool
    /// How many keys there are, whatever the limit.
    public var count: Int64

    public init(revision: Int64, kvs: [KeyValue], more: Bool, count: Int64) {
        self.revision = revision
        self.kvs = kvs
        self.more = more
        self.count = count
    }
}

/// Every key of a prefix at one revision.
public struct ListResponse: Sendable, Equatable {
    public var kvs: [KeyValue]
    /// The one revision that all of `kvs` belong to. A watch from `revision + 1` misses nothing.
    public var revision: Int64

    public init(kvs: [KeyValue], revision: Int64) {
        self.kvs = kvs
        self.revision = revision
    }
}

public struct PutResponse: Sendable, Equatable {
    /// The revision of this write: the key's new `modRevision`.
    public var revision: Int64
}

public struct DeleteResponse: Sendable, Equatable {
    public var revision: Int64
    /// How many keys were deleted.
    public var deleted: Int64
}
