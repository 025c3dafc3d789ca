/// A lease of etcd. When it expires, etcd deletes its keys.
public struct LeaseID: Sendable, Hashable, CustomStringConvertible {
    public var rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// In hexadecimal, as etcdctl shows it.
    public var description: String { String(UInt64(bitPattern: rawValue), radix: 16) }
}

public struct Lease: Sendable, Equatable {
    public var id: LeaseID
    /// The granted time to live, which may be longer than the requested one.
    public var ttl: Duration
}

public struct LeaseStatus: Sendable, Equatable {
    public var remaining: Duration
    public var granted: Duration
    /// The keys of the lease, if the call asked for them.
    public var keys: [String]
}
