/// This node's copy of the policies, kept up to date by watching etcd. Answers from memory.
public protocol PolicyCatalog: Sendable {
    /// What the volumes of the policy follow; `nil` when there is no such policy, or when it is not known yet.
    func runtime(of policy: PolicyName) -> RuntimeSettings?
}

/// Where there are none.
public struct NoPolicies: PolicyCatalog {
    public init() {}
    public func runtime(of policy: PolicyName) -> RuntimeSettings? { nil }
}
