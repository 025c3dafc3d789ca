/// A kind of record that each volume can have one of, under a key of its own: `volumes/db`, `mounts/db`.
///
/// This is the only list of the kinds. The store, the watched copy and their twins go through it, so that another kind is one
/// more case here, with a field in `StoredVolume` and one in `StoreChange`.
public enum RecordKind: String, Sendable, Hashable, CaseIterable {
    case volume = "volumes"
    case mount = "mounts"
    case readers = "readers"
    case desired = "desired"
    case request = "requests"
    case trash = "trash"

    /// Where the records of this kind are.
    public var slot: any RecordSlot {
        switch self {
        case .volume: TypedSlot(stored: \.volume, change: \.volume)
        case .mount: TypedSlot(stored: \.attachment, change: \.attachment)
        case .readers: TypedSlot(stored: \.readers, change: \.readers)
        case .desired: TypedSlot(stored: \.desired, change: \.desired)
        case .request: TypedSlot(stored: \.request, change: \.request)
        case .trash: TypedSlot(stored: \.trash, change: \.trash)
        }
    }
}

/// A record of a volume, as the store handles it, whatever it says.
public protocol StoredRecord: CheckedRecord, Sendable, Hashable {
    /// In a word, what there is to say of it: its phase or state.
    var summary: String { get }
}

extension VolumeRecord: StoredRecord {
    public var summary: String { phase.rawValue }
}

extension Attachment: StoredRecord {
    public var summary: String { state.rawValue }
}

/// The place of one kind of record in what is stored of a volume, and in a change of it.
public protocol RecordSlot<Record>: Sendable {
    associatedtype Record: StoredRecord

    /// What is stored; `nil` when nothing is.
    func read(_ stored: StoredVolume) -> Revisioned<Record>?
    /// What a change does to it.
    func write(_ change: StoreChange) -> StoreChange.Write<Record>
    /// Puts into `stored` what etcd has; `nil` when it has nothing.
    func take(_ record: Revisioned<Record>?, into stored: inout StoredVolume)
}

extension RecordSlot {
    /// etcd's revision of what is stored, which every write is guarded with.
    public func revision(_ stored: StoredVolume) -> Int64? { read(stored)?.revision }

    /// Leaves nothing of it in `stored`.
    public func clear(in stored: inout StoredVolume) { take(nil, into: &stored) }

    /// Makes the change.
    /// - Returns: whether anything is otherwise than before.
    func apply(_ change: StoreChange, to stored: inout StoredVolume, at revision: Int64) -> Bool {
        switch write(change) {
        case .keep: return false
        case .put(let record):
            take(Revisioned(record, revision: revision), into: &stored)
            return true
        case .delete:
            defer { clear(in: &stored) }
            return read(stored) != nil
        }
    }
}

private struct TypedSlot<Record: StoredRecord>: RecordSlot {
    let stored: any WritableKeyPath<StoredVolume, Revisioned<Record>?> & Sendable
    let change: any WritableKeyPath<StoreChange, StoreChange.Write<Record>> & Sendable

    func read(_ volume: StoredVolume) -> Revisioned<Record>? { volume[keyPath: stored] }
    func write(_ made: StoreChange) -> StoreChange.Write<Record> { made[keyPath: change] }
    func take(_ record: Revisioned<Record>?, into volume: inout StoredVolume) { volume[keyPath: stored] = record }
}

extension StoreChange {
    /// What is stored once the change is made.
    /// - Parameter revision: of the transaction that makes it.
    public func applied(to read: StoredVolume, at revision: Int64) -> StoredVolume {
        var now = read
        for kind in RecordKind.allCases { _ = kind.slot.apply(self, to: &now, at: revision) }
        now.revision = revision
        return now
    }

    /// Whether it leaves everything as it is.
    public func changesNothing(of read: StoredVolume) -> Bool {
        var now = read
        return !RecordKind.allCases.map { $0.slot.apply(self, to: &now, at: read.revision) }.contains(true)
    }

    /// What is done to each kind of record, in a few words: `volume ready, mount attaching`, `no mount`.
    public var summary: String {
        RecordKind.allCases.compactMap { $0.slot.summary(of: self, as: "\($0)") }.joined(separator: ", ")
    }
}

extension RecordSlot {
    fileprivate func summary(of change: StoreChange, as noun: String) -> String? {
        switch write(change) {
        case .keep: nil
        case .put(let record): "\(noun) \(record.summary)"
        case .delete: "no \(noun)"
        }
    }
}
