/// How one member is doing.
public struct MemberStatus: Sendable, Equatable {
    /// The endpoint that answered.
    public var endpoint: Endpoint
    public var header: ResponseHeader
    /// The server's version, such as `3.4.23`.
    public var version: String
    public var databaseBytes: Int64
    /// The rest is free after compaction, and given back by defragmentation.
    public var databaseBytesInUse: Int64
    /// nil when the member knows no leader.
    public var leader: UInt64?
    /// What the member complains of: alarms and the like.
    public var problems: [String]
}

public struct EtcdVersion: Sendable, Equatable {
    /// The version of the member that answered.
    public var server: String
    /// The version that the whole cluster can speak.
    public var cluster: String
}

public struct MemberHealth: Sendable, Equatable {
    public var healthy: Bool
    /// Why it is not, where the server says so.
    public var reason: String?
}
