/// A key with its value and history, as of one revision.
public struct KeyValue: Sendable, Equatable {
    /// The key's bytes, exactly.
    public var keyBytes: [UInt8]
    public var value: [UInt8]
    /// The revision that created this incarnation of the key.
    public var createRevision: Int64
    /// The revision of the last write, which a compare-and-set compares.
    public var modRevision: Int64
    /// 1 after creation, one more with each write.
    public var version: Int64
    /// The key's lease; nil if it has none.
    public var lease: LeaseID?

    public init(
        keyBytes: [UInt8], value: [UInt8], createRevision: Int64, modRevision: Int64, version: Int64,
        lease: LeaseID? = nil
    ) {
        self.keyBytes = keyBytes
        self.value = value
        self.createRevision = createRevision
        self.modRevision = modRevision
        self.version = version
        self.lease = lease
    }

    /// The key as text. Bytes that are not UTF-8 become replacement characters: you can recognise such a key, but not
    /// address it by this text.
    public var key: String { String(decoding: keyBytes, as: UTF8.self) }

    /// The value as text; nil if it is not UTF-8.
    public var text: String? { String(validating: value, as: UTF8.self) }
}

/// Which member answered, and the revision of the whole store at that moment.
public struct ResponseHeader: Sendable, Equatable {
    public var clusterID: UInt64
    public var memberID: UInt64
    public var revision: Int64
    public var raftTerm: UInt64

    public init(clusterID: UInt64, memberID: UInt64, revision: Int64, raftTerm: UInt64) {
        self.clusterID = clusterID
        self.memberID = memberID
        self.revision = revision
        self.raftTerm = raftTerm
    }
}
