import VolumeCore

/// The keys of all volumes, with etcd's revisions.
public struct SimulatedEtcd: Sendable {
    /// Grows with every transaction that writes; never goes back.
    public private(set) var revision: Int64 = 1
    public private(set) var volumes: [VolumeName: Revisioned<VolumeRecord>] = [:]
    public private(set) var attachments: [VolumeName: Revisioned<Attachment>] = [:]

    /// The request that last wrote to a name, and what it made: a record carries the id of the request that wrote it,
    /// so that a repetition is recognised as done.
    private var lastWrites: [VolumeName: (request: Int, stored: StoredVolume)] = [:]

    public init() {}

    /// Both records of a name.
    public func read(_ name: VolumeName) -> StoredVolume {
        StoredVolume(name: name, volume: volumes[name], attachment: attachments[name], revision: revision)
    }

    /// Every name that has a record, in order.
    public func readAll() -> [StoredVolume] {
        Set(volumes.keys).union(attachments.keys).sorted().map(read)
    }

    /// One transaction over both keys of a name, guarded with both revisions.
    /// - Returns: `nil` when a guard did not hold; nothing was written then.
    public mutating func commit(_ change: StoreChange, over read: StoredVolume, request: Int) -> StoredVolume? {
        let name = read.name
        if let last = lastWrites[name], last.request == request { return last.stored }
        guard volumes[name]?.revision == read.volume?.revision,
            attachments[name]?.revision == read.attachment?.revision
        else { return nil }
        let next = revision + 1
        let wroteVolume = Self.apply(change.volume, to: &volumes[name], revision: next)
        let wroteAttachment = Self.apply(change.attachment, to: &attachments[name], revision: next)
        if wroteVolume || wroteAttachment { revision = next }
        let stored = self.read(name)
        lastWrites[name] = (request, stored)
        return stored
    }

    private static func apply<Record>(
        _ write: StoreChange.Write<Record>, to stored: inout Revisioned<Record>?, revision: Int64
    ) -> Bool {
        switch write {
        case .keep:
            return false
        case .put(let record):
            stored = Revisioned(record, revision: revision)
            return true
        case .delete:
            defer { stored = nil }
            return stored != nil
        }
    }
}
