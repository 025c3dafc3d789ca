/// The policies that all nodes share, in etcd.
public protocol PolicyStore: Sendable {
    /// Linearizably.
    /// - Returns: `nil` when there is no such policy.
    /// - Throws: `VolumeError` with code `unavailable` or `timedOut` when the truth cannot be had, `unexplained` when it is there and
    ///   cannot be read.
    func read(_ name: PolicyName) async throws -> Revisioned<Policy>?

    /// Everything there is, at one revision. What cannot be read is left out and reported.
    func readAll() async throws -> [PolicyName: Revisioned<Policy>]

    /// Writes the policy in the place of what was read, or of nothing. Repeats itself after a lost answer until it knows.
    /// - Returns: what is stored now; `nil` when something else stood there meanwhile, and nothing was written.
    /// - Throws: `VolumeError` with outcome `unknown` when even reading back did not tell.
    func put(
        _ policy: Policy, as name: PolicyName, over read: Revisioned<Policy>?
    ) async throws -> Revisioned<Policy>?

    /// Deletes what was read.
    /// - Returns: `false` when something else stood there meanwhile, and nothing was deleted.
    /// - Throws: as `put`.
    func delete(_ name: PolicyName, over read: Revisioned<Policy>) async throws -> Bool
}

extension PolicyStore {
    /// The policy of a volume as it is now; `nil` where it has none, or one that is gone.
    public func named(_ name: PolicyName?) async throws -> NamedPolicy? {
        guard let name else { return nil }
        return try await read(name).map { NamedPolicy(name, $0.record, revision: $0.revision) }
    }

    /// The policy of a new volume, as it is now.
    /// - Parameter asked: the policy that was named; without one it is `default`, where that is there.
    /// - Throws: `VolumeError` with code `notFound` for a policy that was named and is not there.
    public func ofNewVolume(_ asked: PolicyName?, _ what: String) async throws -> NamedPolicy? {
        let name = asked ?? .standard
        if let found = try await named(name) { return found }
        guard asked != nil else { return nil }
        throw VolumeError.noSuchPolicy(name, what, known: Array(try await readAll().keys))
    }
}
