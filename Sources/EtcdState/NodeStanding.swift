/// Whether this host may act under its node's name.
public enum NodeStanding: Sendable, Hashable {
    /// etcd has not said.
    case unknown
    /// `nodes/<node>` in etcd is this boot's.
    case mine
    /// Another boot has the key. When it is over, as after a reboot, its lease runs out within `NODE_TTL`.
    case waiting(for: NodeRecord)
    /// Another boot goes on beating: a second host with the same name.
    case taken(by: NodeRecord)
}

/// What a heartbeat makes of the key it finds. Pure.
struct StandingRule {
    private let me: NodeRecord
    private let ttl: Duration
    private var rival: (boot: String, since: ContinuousClock.Instant)?
    private(set) var standing = NodeStanding.unknown

    /// A lease lives a little longer than its time: etcd looks for dead ones every half second, and rounds.
    private static let margin = Duration.seconds(2)

    init(me: NodeRecord, ttl: Duration) {
        self.me = me
        self.ttl = ttl
    }

    /// The key is this boot's.
    mutating func hold() { (rival, standing) = (nil, .mine) }

    /// Whether the key may be written by this boot: it is absent or its own.
    func mayWrite(over found: NodeRecord?) -> Bool { found.map { $0.boot == me.boot } ?? true }

    /// The key is another boot's.
    mutating func meet(_ other: NodeRecord, at now: ContinuousClock.Instant) {
        let since = rival?.boot == other.boot ? rival?.since ?? now : now
        rival = (other.boot, since)
        switch standing {
        // It came while this boot had the name: it lives.
        case .mine, .taken: standing = .taken(by: other)
        case .unknown, .waiting:
            standing = now - since > ttl + Self.margin ? .taken(by: other) : .waiting(for: other)
        }
    }
}
