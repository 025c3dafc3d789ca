/// What ``EtcdWatch`` delivers.
public enum WatchElement: Sendable, Equatable {
    /// The watch is connected. `revision` is the store's at that moment. Changes between the watch's last element and
    /// that revision, if there are any, follow as events.
    case connected(revision: Int64)

    /// Changes, in order. All changes of one revision are in one batch; `revision` is that of the last change.
    case events([WatchEvent], revision: Int64)

    /// Up to `revision`, these keys have no changes other than those already delivered.
    case progress(revision: Int64)

    /// The connection is lost and the watch is trying to connect again. Until `connected`, a copy made from it may be
    /// out of date. The watch delivers this once for each loss.
    case disconnected(EtcdError)

    /// The history that the watch needs is gone: it was compacted up to `revision`. This is the last element. Read
    /// everything again, then watch from the revision of that reading.
    case compacted(revision: Int64)

    /// The store's history, which is at `revision`, is not the one that the watch delivered: it is another cluster, or a
    /// restored backup. This is the last element. Revisions of the two histories cannot be compared, and everything
    /// delivered so far is void.
    case replaced(revision: Int64)
}

/// One change of one key.
public struct WatchEvent: Sendable, Equatable {
    public enum Change: Sendable, Equatable {
        /// Created or written.
        case put(KeyValue)
        /// Deleted, including by the end of its lease.
        case delete
    }

    /// The key's bytes, exactly.
    public var keyBytes: [UInt8]
    /// The revision that made the change.
    public var revision: Int64
    public var change: Change
    /// The key before the change, if the watch asked for it and the history still has it.
    public var previous: KeyValue?

    public init(keyBytes: [UInt8], revision: Int64, change: Change, previous: KeyValue? = nil) {
        self.keyBytes = keyBytes
        self.revision = revision
        self.change = change
        self.previous = previous
    }

    /// The key as text; see ``KeyValue/key``.
    public var key: String { String(decoding: keyBytes, as: UTF8.self) }

    /// The key after the change; nil if it was deleted.
    public var keyValue: KeyValue? {
        if case .put(let keyValue) = change { keyValue } else { nil }
    }
}
