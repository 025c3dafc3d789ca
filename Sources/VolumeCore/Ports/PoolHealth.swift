/// What is known of how Ceph's pools answer, without asking them now.
public protocol PoolHealth: Sendable {
    /// For how long requests to the pool have gone unanswered; `nil` while they are answered, or when nobody has asked.
    func silence(of pool: String) -> Duration?
}

/// Nothing is known of any pool.
public struct UnknownPoolHealth: PoolHealth {
    public init() {}

    public func silence(of pool: String) -> Duration? { nil }
}
