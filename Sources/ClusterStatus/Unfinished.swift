import VolumeCore

/// Work on a volume that is under way, or that waits.
public struct Unfinished: Encodable, Sendable, Hashable {
    public var volume: String
    /// Such as `create`, `detaching`, `request`.
    public var kind: String
    /// In a few words what is under way.
    public var what: String
    /// The node that is at it; empty while none is.
    public var node: String
    /// RFC 3339; empty when it is not recorded.
    public var since: String

    static func all(_ volumes: [StoredVolume]) -> [Unfinished] { volumes.flatMap { all(of: $0) } }

    private static func all(of stored: StoredVolume) -> [Unfinished] {
        let name = TroubleRule.shown(stored)
        var found: [Unfinished] = []
        if let volume = stored.volume?.record, volume.phase != .ready {
            let isCreating = volume.phase == .creating
            found.append(
                Unfinished(
                    volume: name, kind: isCreating ? "create" : "remove",
                    what: isCreating ? "being created" : "being removed", node: volume.attempt?.by.node ?? "",
                    since: isCreating ? volume.createdAt : ""))
        }
        for mount in stored.allMounts {
            guard let what = words(mount) else { continue }
            found.append(
                Unfinished(
                    volume: name, kind: mount.state.rawValue, what: what, node: mount.owner.node, since: mount.since))
        }
        if let request = stored.request?.record, request.isUnfinished {
            let progress = request.progress.map { ", \($0) % done" } ?? ""
            found.append(
                Unfinished(
                    volume: name, kind: "request", what: "to be \(request.work)\(progress)",
                    node: request.node?.node ?? "", since: "\(request.since)"))
        }
        return found
    }

    private static func words(_ mount: Attachment) -> String? {
        switch mount.state {
        case .attached: nil
        case .attaching: "being mounted"
        case .detaching: "being unmounted"
        case .fencing: "being taken over from \(mount.fenced?.owner.node ?? "another node")"
        }
    }
}
