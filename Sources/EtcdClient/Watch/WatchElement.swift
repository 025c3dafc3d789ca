/// What a watch tells.
public enum WatchElement: Sendable, Equatable {
    /// The watch stands. `revision` is the store's at that moment; what happened up to it since the watch's last
    /// element, if anything, follows as events.
    case connected(revision: Int64)

    /// What has happened, in order. All changes of one revision are in one batch; `revision` is that of the last.
    case events([WatchEvent], revision: Int64)

    /// Nothing has happened to these keys up to `revision` beyond what was told.
    case progress(revision: Int64)

    /// The connection is lost and the watch is trying to get it back: until `connected`, a copy made from it may be
    /// out of date. Told once for each loss.
    case disconnected(EtcdError)

    /// The history that the watch needs to go on is gone: compacted up to `revision`. The last element. Read everything
    /// again, then watch from the revision of that.
    case compacted(revision: Int64)

    /// The store's history, which is at `revision`, is not the one that was told: another cluster, or a backup put back.
    /// The last element. Revisions of the two histories cannot be compared; what was told is void.
    case replaced(revision: Int64)
}

/// One change of one key.
public struct WatchEvent: Sendable, Equatable {
    public enum Change: Sendable, Equatable {
        /// Created or written.
        case put(KeyValue)
        /// Deleted, also by the end of its lease.
        case delete
    }

    /// The key's bytes, exactly.
    public var keyBytes: [UInt8]
    /// The revision that made the change.
    public var revision: Int64
    public var change: Change
    /// The key before the change, where the watch was asked for it and the history still has it.
    public var previous: KeyValue?

    public init(keyBytes: [UInt8], revision: Int64, change: Change, previous: KeyValue? = nil) {
        self.keyBytes = keyBytes
        self.revision = revision
        self.change = change
        self.previous = previous
    }

    /// The key as text; see ``KeyValue/key``.
    public var key: String { String(decoding: keyBytes, as: UTF8.self) }

    /// What the key is now; nil when it was deleted.
    public var keyValue: KeyValue? {
        if case .put(let keyValue) = change { keyValue } else { nil }
    }
}
