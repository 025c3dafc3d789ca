import EtcdClient
import VolumeCore

/// Puts the keys of volumes and mounts together by name.
struct StoredVolumes {
    private let keys: StateKeys
    private var byName: [VolumeName: StoredVolume] = [:]

    init(keys: StateKeys) { self.keys = keys }

    /// Takes one key in; keys of nodes and others are passed over.
    mutating func take(_ entry: KeyValue) throws(VolumeError) {
        guard let (kind, text) = keys.parse(entry.key), kind != .nodes else { return }
        let name = try VolumeName(text)
        var stored = byName[name] ?? StoredVolume(name: name, revision: entry.modRevision)
        switch kind {
        case .volumes:
            let record = try RecordCodec.decode(VolumeRecord.self, from: entry.value, key: entry.key)
            stored.volume = Revisioned(record, revision: entry.modRevision)
        case .mounts:
            let record = try RecordCodec.decode(Attachment.self, from: entry.value, key: entry.key)
            stored.attachment = Revisioned(record, revision: entry.modRevision)
        case .nodes: return
        }
        byName[name] = stored
    }

    /// What was taken in, by name, as true at `revision`.
    func sorted(at revision: Int64) -> [StoredVolume] {
        byName.values.sorted { $0.name < $1.name }.map {
            var stored = $0
            stored.revision = revision
            return stored
        }
    }
}
