import Synchronization
import VolumeCore

/// One run of the plugin on one node: what its ports act as.
///
/// When it is killed, or its node goes down, its ports do nothing any more and throw `PluginIsGone`.
public struct PluginProcess: Sendable {
    public let cluster: SimulatedCluster
    public let identity: NodeIdentity
    public let number: Int

    public var node: String { identity.node }

    /// Whether it is still the process that runs on its node.
    public var isRunning: Bool { cluster.mutate { $0.nodes[node]?.process == number } }

    /// Tells one request from its own repetition.
    func nextRequest() -> Int {
        cluster.mutate { world in
            world.requests += 1
            return world.requests
        }
    }

    /// Sends one effect through the hook and hands its result back.
    func perform<Result: Sendable>(
        _ operation: PortOperation, _ subject: String, lasting duration: Duration? = nil,
        _ effect: @escaping @Sendable (inout World) throws -> Result
    ) async throws -> Result {
        let call = PortCall(
            node: node, process: number, operation: operation, subject: subject, duration: duration)
        try checkRunning()
        try checkDeadline(of: call)
        let answer = Answer<Result>()
        let guarded: @Sendable () throws -> Void = {
            let result = try cluster.mutate { world in
                try checkReach(call, in: world)
                if world.nodes[node]?.process == number { world.nodes[node]?.opened = nil }
                return try effect(&world)
            }
            answer.value.withLock { $0 = result }
        }
        do {
            try await cluster.admit(call).perform(call, guarded)
        } catch {
            try checkRunning()
            throw error
        }
        try checkRunning()
        guard let result = answer.value.withLock({ $0 }) else {
            throw VolumeError(.internalFault, call.description, why: "the hook let it neither happen nor fail")
        }
        return result
    }

    private func checkRunning() throws {
        guard isRunning else { throw PluginIsGone() }
    }

    /// As a real adapter, whose time-outs are cut down to the deadline: with no time left, nothing is tried.
    private func checkDeadline(of call: PortCall) throws {
        let now = cluster.mutate { $0.clock(of: node) }
        guard Deadline.limiting(.seconds(1), now: now) > .zero else {
            throw VolumeError(.timedOut, call.description, why: "no time is left", outcome: .failed)
        }
    }

    private func checkReach(_ call: PortCall, in world: World) throws {
        let node = try world.node(node)
        if call.operation.isLocal, node.boot != identity.boot || !node.isOn { throw PluginIsGone() }
        guard !node.isPaused else {
            throw VolumeError(.internalFault, call.description, why: "the node is paused: hold the call back")
        }
        if node.cutOffFrom.contains(call.operation.backend) { throw World.noAnswer(call.description) }
    }
}

/// Where an effect leaves its result. Written under its lock by whoever lets the effect happen.
private final class Answer<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}

/// All ports of one run of the plugin.
public struct NodePorts: Sendable {
    public let process: PluginProcess
    public let images: InMemoryImageStore
    public let formatter: InMemoryFormatter
    public let snapshots: InMemorySnapshotStore
    public let mapper: InMemoryMapper
    public let filesystems: InMemoryFilesystemTools
    public let mounter: InMemoryMounter
    public let limiter: InMemoryIOLimiter
    public let store: InMemoryVolumeStore
    public let policies: InMemoryPolicyStore
    public let history: InMemoryHistory
    public let catalog: InMemoryCatalog
    public let directory: InMemoryNodeDirectory
    public let fence: InMemoryFence
    public let formerClients: InMemoryFormerClients
    public let clock: ManualClock
    public let tokens: SeededTokens

    public var identity: NodeIdentity { process.identity }

    init(_ process: PluginProcess) {
        self.process = process
        images = InMemoryImageStore(process)
        formatter = InMemoryFormatter(process)
        snapshots = InMemorySnapshotStore(process)
        mapper = InMemoryMapper(process)
        filesystems = InMemoryFilesystemTools(process)
        mounter = InMemoryMounter(process)
        limiter = InMemoryIOLimiter(process)
        store = InMemoryVolumeStore(process)
        policies = InMemoryPolicyStore(process)
        history = InMemoryHistory(process)
        catalog = InMemoryCatalog(process)
        directory = InMemoryNodeDirectory(process)
        fence = InMemoryFence(process)
        formerClients = InMemoryFormerClients(process)
        clock = ManualClock(process)
        tokens = SeededTokens(seed: UInt64(process.number))
    }
}
