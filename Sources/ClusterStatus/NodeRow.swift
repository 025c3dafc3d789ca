import VolumeCore

/// One boot of one node.
public struct NodeRow: Encodable, Sendable, Hashable {
    public var node: String
    public var boot: String
    public var alive: Bool
    /// How many volumes it has.
    public var mounted: Int
    /// RFC 3339; empty for one that is dead.
    public var since: String
    /// Of its plugin; empty for one that is dead.
    public var version: String

    /// The living ones, and those without a heartbeat that still have volumes; by their names.
    public static func rows(living: [StatusSeen.LivingNode], volumes: [StoredVolume]) -> [NodeRow] {
        let owners = volumes.flatMap(\.allMounts).map(\.owner)
        let alive = living.map { node in
            NodeRow(
                node: node.identity.node, boot: node.identity.boot, alive: true,
                mounted: owners.count { $0 == node.identity }, since: node.since, version: node.version)
        }
        let gone = Set(owners).subtracting(living.map(\.identity)).map { owner in
            NodeRow(
                node: owner.node, boot: owner.boot, alive: false, mounted: owners.count { $0 == owner }, since: "",
                version: "")
        }
        return (alive + gone).sorted { ($0.node, $0.boot) < ($1.node, $1.boot) }
    }
}
