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

    var count: Int { byName.count }

    /// Takes in what others have of other keys.
    mutating func merge(_ others: StoredVolumes) {
        byName.merge(others.byName) { mine, theirs in
            var both = mine
            if let volume = theirs.volume { both.volume = volume }
            if let attachment = theirs.attachment { both.attachment = attachment }
            return both
        }
    }

    /// What was taken in, in no order, as true at `revision`.
    func all(at revision: Int64) -> some Sequence<StoredVolume> {
        byName.values.lazy.map {
            var stored = $0
            stored.revision = revision
            return stored
        }
    }

    /// What was taken in, by name, as true at `revision`.
    func sorted(at revision: Int64) -> [StoredVolume] {
        all(at: revision).sorted { $0.name < $1.name }
    }
}
