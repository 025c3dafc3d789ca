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
}

public struct MemberHealth: Sendable, Equatable {
    public var healthy: Bool
    /// Why it is unhealthy, if the server says so.
    public var reason: String?
}
