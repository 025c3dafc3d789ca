import VolumeCore

/// What an operator does with policies. Works without the plugin running on this node.
public struct PolicyActions: Sendable {
    private let store: any VolumeStore
    private let policies: any PolicyStore
    private let clock: any DriverClock
    /// For how long a volume is waited for that is being created, mounted or unmounted.
    private let patience: Duration

    public init(
        store: any VolumeStore, policies: any PolicyStore, clock: any DriverClock, patience: Duration = .seconds(30)
    ) {
        self.store = store
        self.policies = policies
        self.clock = clock
        self.patience = patience
    }

    /// A policy, and how many volumes follow it.
    public struct Listed: Sendable {
        public let name: PolicyName
        public let policy: Policy
        public let volumes: Int
        /// What these have in sum.
        public let size: VolumeSize
    }

    /// All of them, by name.
    public func list() async throws -> [Listed] {
        let volumes = try await store.readAll()
        return try await policies.readAll().sorted { $0.key < $1.key }.map { name, stored in
            Listed(
                name: name, policy: stored.record, volumes: volumes.count { $0.volume?.record.policy == name },
                size: VolumeSize(bytes: QuotaRule.sum(of: name, in: volumes)))
        }
    }

    /// - Throws: `VolumeError` with code `notFound`.
    public func policy(_ nameText: String) async throws -> Policy {
        try await stored(try PolicyName(nameText), "show policy \(nameText)").record
    }

    private func stored(_ name: PolicyName, _ what: String) async throws -> Revisioned<Policy> {
        if let stored = try await policies.read(name) { return stored }
        var error = VolumeError.noSuchPolicy(name, what, known: Array(try await policies.readAll().keys))
        error.code = .notFound
        throw error
    }

    /// What an upload has done.
    public struct Uploaded: Sendable {
        /// What stood there before; `nil` for a new policy.
        public let before: Policy?
        /// Whether it says anything else now.
        public let isChanged: Bool
        public let volumes: Int
        /// What these have in sum.
        public let size: VolumeSize
    }

    /// - Throws: `VolumeError` with code `conflict` when somebody else has changed the policy at the same time.
    public func upload(_ policy: Policy, as nameText: String) async throws -> Uploaded {
        let name = try PolicyName(nameText)
        let before = try await policies.read(name)
        let wanted = before.map { policy.inPlace(of: $0.record) } ?? policy
        let isChanged = wanted != before?.record
        if isChanged, try await policies.put(wanted, as: name, over: before) == nil {
            throw changedMeanwhile("upload policy \(name)")
        }
        let volumes = try await store.readAll()
        return Uploaded(
            before: before?.record, isChanged: isChanged,
            volumes: volumes.count { $0.volume?.record.policy == name },
            size: VolumeSize(bytes: QuotaRule.sum(of: name, in: volumes)))
    }

    /// Removes a policy that no volume follows; any, with `force`: then its volumes get what it says as values of their own.
    /// - Returns: the volumes that have got them.
    /// - Throws: `VolumeError`: `inUse` without `force`, naming volumes; `conflict` when a volume stays under way for long, or when
    ///   somebody else has changed the policy at the same time.
    public func remove(_ nameText: String, force: Bool) async throws -> [VolumeName] {
        let name = try PolicyName(nameText)
        let what = "remove policy \(name)"
        let read = try await stored(name, what)
        let followers = try await followers(of: name)
        guard force || followers.isEmpty else { throw inUse(what, name, by: followers) }
        try await detach(followers, from: name, read.record)
        guard try await policies.delete(name, over: read) else { throw changedMeanwhile(what) }
        // A Create that has read the policy before it went may have recorded its volume since.
        let late = try await self.followers(of: name)
        try await detach(late, from: name, read.record)
        return (followers + late).map(\.name)
    }

    private func followers(of name: PolicyName) async throws -> [StoredVolume] {
        try await store.readAll().filter { PolicyRule.follows($0, name) }
    }

    private func detach(_ volumes: [StoredVolume], from name: PolicyName, _ policy: Policy) async throws {
        let end = clock.now() + patience
        for volume in volumes {
            while try await !detached(volume.name, from: name, policy, until: end) {
                try await clock.sleep(for: .milliseconds(250))
            }
        }
    }

    /// - Returns: `false` to try it again: the volume is under way, or its records have changed meanwhile.
    private func detached(
        _ volume: VolumeName, from name: PolicyName, _ policy: Policy, until end: Moment
    ) async throws -> Bool {
        let now = try await store.read(volume)
        do {
            guard let record = try PolicyRule.detach(now, from: name, policy) else { return true }
            return try await store.commit(.init(volume: .put(record)), over: now) != nil
        } catch let error as VolumeError where error.code == .conflict && clock.now() < end {
            return false
        }
    }

    private func inUse(_ what: String, _ name: PolicyName, by volumes: [StoredVolume]) -> VolumeError {
        let shown = volumes.prefix(5).map(\.name.text).joined(separator: ", ")
        let rest = volumes.count > 5 ? " and \(volumes.count - 5) more" : ""
        return VolumeError(
            .inUse, what,
            why: "\(volumes.count == 1 ? "a volume follows" : "\(volumes.count) volumes follow") it: \(shown)\(rest)",
            remedy: "'rbd-plugin policy rm \(name) --force' removes it; the volumes keep what they have",
            outcome: .refused)
    }

    private func changedMeanwhile(_ what: String) -> VolumeError {
        VolumeError(
            .conflict, what, why: "somebody else has changed it meanwhile",
            remedy: "look at it with 'rbd-plugin policy get', and repeat", outcome: .refused)
    }
}
