/// This node's copy of the policies, kept up to date by watching etcd. Answers from memory.
public protocol PolicyCatalog: Sendable {
    /// `nil` when there is no such policy, when it cannot be read, or when it is not known yet.
    func policy(_ name: PolicyName) -> Policy?
}

extension PolicyCatalog {
    /// What the volumes of the policy follow; `nil` as in `policy`.
    public func runtime(of policy: PolicyName) -> RuntimeSettings? { self.policy(policy)?.runtime }
}
