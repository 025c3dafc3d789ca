/// A policy that a volume has, or is to have.
public struct NamedPolicy: Sendable, Hashable {
    public let name: PolicyName
    public let policy: Policy
    /// etcd's revision of it.
    public let revision: Int64

    public init(_ name: PolicyName, _ policy: Policy, revision: Int64 = 0) {
        self.name = name
        self.policy = policy
        self.revision = revision
    }

    /// Whether the policy lets its volumes have that size: asked before one is created and before one grows.
    /// - Parameter what: what would be done: `resize volume db to 40G`.
    /// - Throws: `VolumeError` with code `invalidOption`, which names the policy and its limit.
    public func check(_ size: VolumeSize, _ what: String) throws(VolumeError) {
        guard let most = policy.create.maxSize, size > most else { return }
        throw VolumeError(
            .invalidOption, what, why: "its size would be \(size), and policy \(name) allows \(most)",
            remedy: "give a smaller size, or ask an operator to raise \(PolicyCreate.maxSizeName) of the policy",
            outcome: .refused)
    }
}

extension VolumeError {
    /// - Parameter known: the policies that there are.
    public static func noSuchPolicy(_ name: PolicyName, _ what: String, known: [PolicyName]) -> VolumeError {
        let names = known.sorted().prefix(20).map(\.text).joined(separator: ", ")
        return VolumeError(
            .invalidOption, what, why: "there is no policy \(name)",
            remedy: known.isEmpty
                ? "there are no policies yet: 'rbd-plugin policy upload \(name) < FILE' makes one"
                : "there are \(names)\(known.count > 20 ? ", …" : "")",
            outcome: .refused)
    }
}
