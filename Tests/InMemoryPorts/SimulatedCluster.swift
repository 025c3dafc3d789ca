import Synchronization
import VolumeCore

/// A world that several plugins share, each through ports of its own.
public final class SimulatedCluster: Sendable {
    private struct State: Sendable {
        var world: World
        var hook: any PortHook = NoFaults()
        var calls: [PortCall] = []
        var recordsCalls = true
    }

    private let state: Mutex<State>

    /// - Parameter pools: with their default capacity and no namespaces; more by `mutate`.
    public init(nodes: [String] = ["a", "b"], pools: [String] = ["rbd"], hook: (any PortHook)? = nil) {
        var world = World()
        for node in nodes { world.addNode(node) }
        for pool in pools { world.ceph.pools[pool] = SimulatedCeph.Pool() }
        state = Mutex(State(world: world, hook: hook ?? NoFaults()))
    }

    /// A copy of the world as it is now.
    public var world: World { state.withLock { $0.world } }

    /// Changes the world: what befalls it, and what applications do.
    @discardableResult
    public func mutate<Result: Sendable>(_ body: (inout World) throws -> Result) rethrows -> Result {
        try state.withLock { try body(&$0.world) }
    }

    /// Lets every effect from now on pass through `hook`.
    public func intercept(with hook: any PortHook) {
        state.withLock { $0.hook = hook }
    }

    /// All effects so far, in the order in which they were asked for.
    public var calls: [PortCall] { state.withLock { $0.calls } }

    /// Forgets the calls so far, and whether to keep those to come: a long simulation does without.
    public func forgetCalls(andRecordMore records: Bool = true) {
        state.withLock { state in
            state.calls = []
            state.recordsCalls = records
        }
    }

    /// Starts the plugin on a node that is switched on; one that ran there before is killed.
    public func startPlugin(on node: String) -> NodePorts {
        let process = mutate { world in
            let number = world.startProcess(on: node)
            let identity = world.nodes[node]?.identity ?? NodeIdentity(node: node, boot: "")
            return PluginProcess(cluster: self, identity: identity, number: number)
        }
        return NodePorts(process)
    }

    func admit(_ call: PortCall) -> any PortHook {
        state.withLock { state in
            if state.recordsCalls { state.calls.append(call) }
            return state.hook
        }
    }
}
