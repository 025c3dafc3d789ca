/// A lease of etcd: keys on it are deleted when it runs out.
public struct LeaseID: Sendable, Hashable, CustomStringConvertible {
    public var rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// In hexadecimal, as etcdctl writes it.
    public var description: String { String(UInt64(bitPattern: rawValue), radix: 16) }
}

public struct Lease: Sendable, Equatable {
    public var id: LeaseID
    /// What the server grants, which may be more than was asked for.
    public var ttl: Duration
}

public struct LeaseStatus: Sendable, Equatable {
    public var remaining: Duration
    public var granted: Duration
    /// The keys on the lease, where they were asked for.
    public var keys: [String]
}
