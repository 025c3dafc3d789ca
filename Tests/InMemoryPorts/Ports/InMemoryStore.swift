import VolumeCore

/// `VolumeStore` over the simulated etcd.
public struct InMemoryVolumeStore: VolumeStore {
    private let process: PluginProcess
    /// What is told of a change. Mutations tell less.
    public var telling: @Sendable (StoreChange, StoredVolume) -> HistoryStep? = { HistoryRule.step($0, over: $1) }

    public init(_ process: PluginProcess) { self.process = process }

    public func read(_ name: VolumeName) async throws -> StoredVolume {
        try await process.perform(.storeRead, name.text) { $0.etcd.read(name) }
    }

    public func commit(
        _ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?
    ) async throws -> StoredVolume? {
        let request = process.nextRequest()
        let step = telling(change, read)
        return try await process.perform(.storeCommit, read.name.text) { [process] world in
            world.etcd.commit(
                change, over: read, within: quota, request: request,
                telling: step.map { Self.entry($0, of: read.name, by: process.node, world) }, isByNode: true)
        }
    }

    /// Adds to the history in a transaction of its own.
    public func tellAfterwards(_ step: HistoryStep, of name: VolumeName) async throws {
        try await process.perform(.storeCommit, name.text) { [process] world in
            world.etcd.tell(Self.entry(step, of: name, by: process.node, world))
        }
    }

    private static func entry(
        _ step: HistoryStep, of name: VolumeName, by node: String, _ world: World
    ) -> HistoryEntry {
        HistoryEntry(step, of: name, by: HistoryAuthor(node: node), at: world.wallClock(of: node))
    }

    public func readAtOnce() async throws -> AllVolumes {
        try await process.perform(.storeReadAll, "") { AllVolumes($0.etcd.readAll(), revision: $0.etcd.revision) }
    }

    public func readAttachments() async throws -> [VolumeName: [Attachment]] {
        try await process.perform(.storeReadAll, "") { world in
            let attached = world.etcd.readAll().filter { !$0.allMounts.isEmpty }.map { ($0.name, $0.allMounts) }
            return Dictionary(uniqueKeysWithValues: attached)
        }
    }
}

/// `VolumeHistory` over the simulated etcd.
public struct InMemoryHistory: VolumeHistory {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func entries(of name: VolumeName?) async throws -> [HistoryEntry] {
        try await process.perform(.storeReadAll, "") { world in
            world.etcd.history.map(\.entry).filter { name == nil || $0.volume == name }
        }
    }
}

/// `PolicyStore` over the simulated etcd.
public struct InMemoryPolicyStore: PolicyStore {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func read(_ name: PolicyName) async throws -> Revisioned<Policy>? {
        try await process.perform(.policyRead, name.text) { $0.etcd.policies[name] }
    }

    public func readAll() async throws -> [PolicyName: Revisioned<Policy>] {
        try await process.perform(.policyReadAll, "") { $0.etcd.policies }
    }

    public func put(
        _ policy: Policy, as name: PolicyName, over read: Revisioned<Policy>?
    ) async throws -> Revisioned<Policy>? {
        let request = process.nextRequest()
        return try await process.perform(.policyWrite, name.text) { world in
            world.etcd.write(policy, as: name, over: read?.revision, request: request).stored
        }
    }

    public func delete(_ name: PolicyName, over read: Revisioned<Policy>) async throws -> Bool {
        let request = process.nextRequest()
        return try await process.perform(.policyWrite, name.text) { world in
            world.etcd.write(nil, as: name, over: read.revision, request: request).isDone
        }
    }
}

/// `VolumeCatalog` and `PolicyCatalog`: follows the simulated etcd at once, unless the node is cut off or the copy was frozen.
public struct InMemoryCatalog: VolumeCatalog, PolicyCatalog {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func find(_ name: VolumeName) -> StoredVolume? { volumes.first { $0.name == name } }

    public func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept] { volumes.compactMap(transform) }

    public var count: Int { (copy ?? []).count }

    public func unsettled() -> [StoredVolume] { volumes.filter { !$0.isSettled } }

    public func claimed() -> [StoredVolume] { (copy ?? []).filter { $0.trash != nil } }

    public func policy(_ name: PolicyName) -> Policy? {
        process.cluster.mutate { $0.policies(of: process.node)?[name]?.record }
    }

    /// A reading takes no time here.
    public func firstReading() async {}

    /// A mount without a volume is nothing that can be listed.
    private var volumes: [StoredVolume] { (copy ?? []).filter { $0.volume != nil } }

    public var isLoaded: Bool { copy != nil }

    public func observe(_ stored: StoredVolume) {
        process.cluster.mutate { $0.observe(stored, on: process.node) }
    }

    private var copy: [StoredVolume]? { process.cluster.mutate { $0.catalog(of: process.node) } }
}

/// `NodeDirectory` over the simulated heartbeats.
public struct InMemoryNodeDirectory: NodeDirectory {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func isAlive(_ node: NodeIdentity) async throws -> Bool {
        try await process.perform(.nodeIsAlive, node.node) { $0.isAlive(node) }
    }
}
