import VolumeCore

/// The keys in etcd below the prefix: `volumes/<name>`, `mounts/<name>`, `nodes/<node>`, `cluster`.
public struct StateKeys: Sendable, Hashable {
    /// Ends with a slash.
    public let prefix: String

    /// - Parameter prefix: as set; a missing slash at its end is added.
    public init(prefix: String) {
        self.prefix = prefix.hasSuffix("/") ? prefix : prefix + "/"
    }

    func volume(_ name: VolumeName) -> String { prefix + Kind.volumes.rawValue + name.text }
    func attachment(_ name: VolumeName) -> String { prefix + Kind.mounts.rawValue + name.text }
    var cluster: String { prefix + "cluster" }
    func node(_ node: String) -> String { prefix + Kind.nodes.rawValue + node }

    enum Kind: String, CaseIterable {
        case volumes = "volumes/"
        case mounts = "mounts/"
        case nodes = "nodes/"
    }

    /// What a key is about; `nil` for one that is none of ours.
    func parse(_ key: String) -> (kind: Kind, name: String)? {
        guard key.hasPrefix(prefix) else { return nil }
        let rest = key.dropFirst(prefix.count)
        guard let kind = Kind.allCases.first(where: { rest.hasPrefix($0.rawValue) }) else { return nil }
        return (kind, String(rest.dropFirst(kind.rawValue.count)))
    }

    /// Which record of which volume a key is; `nil` for one that is about no volume.
    /// - Throws: `VolumeError` with code `unexplained` for a key below a volume's that no volume can have.
    func volumeKey(_ key: String) throws(VolumeError) -> (kind: Kind, name: VolumeName)? {
        guard let (kind, text) = parse(key), kind != .nodes else { return nil }
        do {
            return (kind, try VolumeName(text))
        } catch {
            throw VolumeError(
                .unexplained, "read the etcd key \(key)", why: "no volume can have that name: \(error)",
                remedy: "look at it with 'etcdctl get \(key)', and delete it if nobody needs it", outcome: .refused)
        }
    }
}
