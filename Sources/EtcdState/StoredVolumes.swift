import EtcdClient
import VolumeCore

/// Puts the keys of volumes and mounts together by name.
struct StoredVolumes {
    private let keys: StateKeys
    /// Also what can be read of names of which the other record cannot.
    private var byName: [VolumeName: StoredVolume] = [:]
    /// Which records are there and cannot be read. Nothing is said of their names: half of the truth would make a volume
    /// free that a node has mounted.
    private(set) var unreadable: [VolumeName: Set<RecordKind>] = [:]

    init(keys: StateKeys) { self.keys = keys }

    /// Takes one key in; keys of nodes and others are passed over.
    /// - Throws: `VolumeError` with code `unexplained`, naming the key, for what cannot be read.
    mutating func take(_ entry: KeyValue) throws(VolumeError) {
        guard let (kind, name) = try keys.parse(entry.key) else { return }
        var stored = byName[name] ?? StoredVolume(name: name, revision: entry.modRevision)
        try stored.take(kind, entry.value, of: entry.key, revision: entry.modRevision)
        byName[name] = stored
    }

    /// Takes one key in where it can be read; else reports it, and remembers that nothing is known of its name.
    mutating func take(_ entry: KeyValue, orReportTo reports: UnreadableKeys) {
        do throws(VolumeError) {
            try take(entry)
        } catch {
            reports.report(error, of: entry.key, revision: entry.modRevision)
            guard let (kind, name) = try? keys.parse(entry.key) else { return }
            unreadable[name, default: []].insert(kind)
        }
    }

    var count: Int { byName.count }

    /// Takes in what others have of other keys.
    mutating func merge(_ others: StoredVolumes) {
        byName.merge(others.byName) { mine, theirs in
            var both = mine
            for kind in RecordKind.allCases { kind.slot.copy(from: theirs, into: &both) }
            return both
        }
        unreadable.merge(others.unreadable) { $0.union($1) }
    }

    /// What was taken in, in no order, as true at `revision`; names with an unreadable record are left out.
    func all(at revision: Int64) -> some Sequence<StoredVolume> {
        halves(at: revision).filter { unreadable[$0.name] == nil }
    }

    /// The same with what can be read of names that have an unreadable record.
    func halves(at revision: Int64) -> some Sequence<StoredVolume> {
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

extension StoredVolume {
    /// Takes in what a key of that kind holds; `nil`: it was deleted.
    /// - Throws: `VolumeError` with code `unexplained` for what cannot be read; nothing has changed then.
    mutating func take(
        _ kind: RecordKind, _ value: [UInt8]?, of key: String, revision: Int64
    ) throws(VolumeError) {
        try kind.slot.take(value, of: key, at: revision, into: &self)
    }

    /// Forgets one of the records.
    mutating func forget(_ kind: RecordKind) { kind.slot.clear(in: &self) }
}

extension RecordSlot {
    fileprivate func take(
        _ value: [UInt8]?, of key: String, at revision: Int64, into stored: inout StoredVolume
    ) throws(VolumeError) {
        guard let value else { return clear(in: &stored) }
        take(Revisioned(try RecordCodec.decode(Record.self, from: value, key: key), revision: revision), into: &stored)
    }

    /// Where the other one has a record of this kind.
    fileprivate func copy(from other: StoredVolume, into stored: inout StoredVolume) {
        if let record = read(other) { take(record, into: &stored) }
    }
}
