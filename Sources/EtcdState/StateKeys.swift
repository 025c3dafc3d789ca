import EtcdClient
import VolumeCore

/// The keys in etcd below the prefix: `volumes/<name>`, `mounts/<name>`, `readers/<name>`, `desired/<name>`, `requests/<name>`, `trash/<name>`, `policies/<name>`, `quotas/<policy>`, `nodes/<node>`, `cluster`, `global`, and `.history/<time>/<node>/<write>/<name>`.
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
    /// Everything but the history. That has the first name of all: so the rest is one range, and neither the copy of a node nor its watch
    /// reads what nobody needs for any decision.
    var records: KeyRange { .prefix(prefix).from(prefix + ".history0") }
    var history: String { prefix + ".history/" }
    func history(_ key: HistoryKey) -> String { history + "\(key)" }
    /// `nil` for keys that are not of an entry.
    func historyKey(of key: String) -> HistoryKey? {
        key.hasPrefix(history) ? HistoryKey(String(key.dropFirst(history.count))) : nil
    }
    var cluster: String { prefix + "cluster" }
    var global: String { prefix + "global" }
    func node(_ node: String) -> String { prefix + "nodes/" + node }
    var policies: String { prefix + "policies/" }
    func policy(_ name: PolicyName) -> String { policies + name.text }
    /// The key that each change writes which adds to what the volumes of the policy have in sum.
    func quota(_ policy: PolicyName) -> String { prefix + "quotas/" + policy.text }

    /// The policy that a key belongs to; `nil` if it belongs to none.
    /// - Throws: `VolumeError` with code `unexplained` for a key below the policies' that no policy can have.
    func policyName(of key: String) throws(VolumeError) -> PolicyName? {
        guard key.hasPrefix(policies) else { return nil }
        do {
            return try PolicyName(String(key.dropFirst(policies.count)))
        } catch {
            throw StateKeys.misnamed(key, "no policy can have that name: \(error)")
        }
    }

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
            throw StateKeys.misnamed(key, "no volume can have that name: \(error)")
        }
    }

    private static func misnamed(_ key: String, _ why: String) -> VolumeError {
        VolumeError(
            .unexplained, "read the etcd key \(key)", why: why,
            remedy: "look at it with 'etcdctl get \(key)', and delete it if nobody needs it", outcome: .refused)
    }
}
