import VolumeCore

/// The keys in etcd below the prefix: `volumes/<name>`, `mounts/<name>`, `nodes/<node>`, `cluster`.
public struct StateKeys: Sendable, Hashable {
    /// Ends with a slash.
    public let prefix: String

    /// - Parameter prefix: as set; a missing slash at its end is added.
    public init(prefix: String) {
        self.prefix = prefix.hasSuffix("/") ? prefix : prefix + "/"
    }

    /// The folder of a kind of record.
    func folder(_ kind: RecordKind) -> String { prefix + kind.rawValue + "/" }
    func record(_ kind: RecordKind, of name: VolumeName) -> String { folder(kind) + name.text }
    var cluster: String { prefix + "cluster" }
    func node(_ node: String) -> String { prefix + "nodes/" + node }

    /// The volume and the kind of record that a key belongs to; `nil` if it belongs to no volume.
    /// - Throws: `VolumeError` with code `unexplained` for a key below a volume's that no volume can have.
    func parse(_ key: String) throws(VolumeError) -> (kind: RecordKind, name: VolumeName)? {
        guard key.hasPrefix(prefix) else { return nil }
        let rest = key.dropFirst(prefix.count)
        guard let slash = rest.firstIndex(of: "/"), let kind = RecordKind(rawValue: String(rest[..<slash])) else {
            return nil
        }
        do {
            return (kind, try VolumeName(String(rest[rest.index(after: slash)...])))
        } catch {
            throw VolumeError(
                .unexplained, "read the etcd key \(key)", why: "no volume can have that name: \(error)",
                remedy: "look at it with 'etcdctl get \(key)', and delete it if nobody needs it", outcome: .refused)
        }
    }
}
