/// A read of one key or many. By default it is linearizable: the answer is not older than the call.
public struct RangeRequest: Sendable, Equatable {
    public var keys: KeyRange
    /// The maximum number of keys; nil for all.
    public var limit: Int64?
    /// Reads the store as it was at this revision; nil for now.
    public var revision: Int64?
    /// The member answers without asking the leader. That is faster and works without a leader, but the answer may be stale.
    public var serializable = false
    /// Leaves out the values.
    public var keysOnly = false
    /// Only counts the keys.
    public var countOnly = false

    public init(_ keys: KeyRange, limit: Int64? = nil, revision: Int64? = nil) {
        self.keys = keys
        self.limit = limit
        self.revision = revision
    }
}

public struct RangeResponse: Sendable, Equatable {
    /// The store's revision at the time of the answer.
    public var revision: Int64
    /// Sorted by the bytes of the keys.
    public var kvs: [KeyValue]
    /// True if the limit left some keys out.
    public var more: Bool
    /// The number of keys in the range, whatever the limit.
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
