import VolumeCore

/// Everything outside the plugin, as one value: Ceph, etcd, the nodes and their kernels, and time.
///
/// All of it happens in synchronous methods, so that a test or a scheduler decides what happens when. The rules are
/// those of the real things wherever a volume's safety depends on them; the contract suites hold them to that.
public struct World: Sendable {
    /// Since the world began. The nodes' own clocks follow from it.
    public internal(set) var now: Duration = .zero
    public var ceph = SimulatedCeph()
    public var etcd = SimulatedEtcd()
    public internal(set) var nodes: [String: SimulatedNode] = [:]
    /// What must never happen and did: two writers on one filesystem, mkfs over data.
    public internal(set) var harm: [Harm] = []
    /// What the applications were told is on disk, by image id and in the order of the answers.
    public internal(set) var acknowledged: [String: [String]] = [:]
    /// How long a heartbeat is believed after its node was last heard of.
    public var heartbeatTTL: Duration = .seconds(30)
    var processes = 0
    var holders = 0
    var requests = 0

    public init() {}

    /// Data that was lost or mixed up, by whom.
    public struct Harm: Sendable, Hashable, CustomStringConvertible {
        public var image: String
        public var by: ClientAddress
        public var what: String

        public var description: String { "\(what) (image id \(image), client \(by))" }
    }

    /// Adds a node, switched on, with its plugin not running.
    public mutating func addNode(_ name: String) {
        nodes[name] = SimulatedNode(name: name, number: nodes.count + 1)
    }

    /// Lets time pass. Blocklist entries, watches and heartbeats end with it.
    public mutating func advance(by duration: Duration) {
        advance(to: now + duration)
    }

    /// Lets time pass up to a moment; does nothing when that is in the past.
    public mutating func advance(to moment: Duration) {
        now = max(now, moment)
    }

    func node(_ name: String) throws -> SimulatedNode {
        guard let node = nodes[name] else {
            throw VolumeError(.internalFault, "find node \(name)", why: "the world has no such node")
        }
        return node
    }
}

/// What a plugin can be cut off from.
public enum Backend: String, Sendable, Hashable, CaseIterable {
    case ceph, etcd
    /// The node's own kernel and tools.
    case kernel
    /// Time.
    case clock
}
