/// The state of one member.
public struct MemberStatus: Sendable, Equatable {
    /// The endpoint that answered.
    public var endpoint: Endpoint
    public var header: ResponseHeader
    /// The server's version, such as `3.4.23`.
    public var version: String
    public var databaseBytes: Int64
    /// The rest is free space, left by compaction. Defragmentation returns it to the system.
    public var databaseBytesInUse: Int64
    /// nil if the member knows no leader.
    public var leader: UInt64?
    /// Alarms and other problems that the member reports.
    public var problems: [String]
}

public struct EtcdVersion: Sendable, Equatable {
    /// The version of the member that answered.
    public var server: String
    /// The protocol version that the whole cluster supports.
    public var cluster: String
    /// The member's clock when it answered, in seconds since 1970, without their fraction; nil if the answer did not tell.
    public var clock: Int64?
}

public struct MemberHealth: Sendable, Equatable {
    public var healthy: Bool
    /// Why it is unhealthy, if the server says so.
    public var reason: String?
}

/// Something that keeps a member from serving as it should.
public struct MemberAlarm: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The quota is used up: etcd takes no more writes.
        case noSpace
        /// The member's data differs from the others'.
        case corrupt
        case other(String)
    }

    public var memberID: UInt64
    public var kind: Kind

    public init(memberID: UInt64, kind: Kind) {
        self.memberID = memberID
        self.kind = kind
    }
}
