/// The memory all nodes share: volumes and attachments, in etcd.
public protocol VolumeStore: Sendable {
    /// All records of a name, linearizably.
    /// - Throws: `VolumeError` with code `unavailable` or `timedOut` when the truth cannot be had, `unexplained` when one
    ///   of them is there and cannot be read.
    func read(_ name: VolumeName) async throws -> StoredVolume

    /// Replaces what was read by what is to be, in one transaction that is guarded with all revisions that were read
    /// (or with their absence). Repeats itself after a lost answer until it knows.
    ///
    /// What the change means for people (`HistoryRule`) becomes an entry of the history, in the same transaction. A store that cannot
    /// write the entry makes the change without it.
    ///
    /// A change that adds to what the volumes of a policy have in sum (`QuotaRule.policy(addedToBy:over:)`) is marked in the same
    /// transaction: every guard of that policy that was made from what was read before fails from then on.
    /// - Parameter quota: a guard besides.
    /// - Returns: what is stored now if the guards held, else `nil`, and nothing was written.
    /// - Throws: `VolumeError` with outcome `unknown` when even reading back did not tell.
    func commit(
        _ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?
    ) async throws -> StoredVolume?

    /// Everything there is, at one revision. A name of which a record cannot be read is left out and reported: half of
    /// the truth would make a volume free that a node has mounted.
    func readAtOnce() async throws -> AllVolumes

    /// What all nodes have mounted, by the volumes' names: one mount, or one for each reader. Reads no volume, of which there may be
    /// very many. A record that cannot be read is left out and reported.
    func readAttachments() async throws -> [VolumeName: [Attachment]]
}

extension VolumeStore {
    public func commit(_ change: StoreChange, over read: StoredVolume) async throws -> StoredVolume? {
        try await commit(change, over: read, within: nil)
    }

    /// Everything there is, as `readAtOnce` has it.
    public func readAll() async throws -> [StoredVolume] { try await readAtOnce().volumes }
}

/// Everything that is recorded of volumes.
public struct AllVolumes: Sendable {
    public let volumes: [StoredVolume]
    /// etcd's revision at which this was true.
    public let revision: Int64

    public init(_ volumes: [StoredVolume], revision: Int64) {
        self.volumes = volumes
        self.revision = revision
    }
}

/// What becomes of the records of a name.
public struct StoreChange: Sendable, Hashable {
    public enum Write<Record: Sendable & Hashable>: Sendable, Hashable {
        case keep
        case put(Record)
        case delete
    }

    public var volume: Write<VolumeRecord>
    public var attachment: Write<Attachment>
    public var readers: Write<Readers>
    public var desired: Write<DesiredState>
    public var request: Write<WorkRequest>
    public var trash: Write<TrashClaims>
    /// Why, for the history: in words for people, without secrets. What is changed says the change itself.
    public var why: String?

    public init(
        volume: Write<VolumeRecord> = .keep, attachment: Write<Attachment> = .keep, readers: Write<Readers> = .keep,
        desired: Write<DesiredState> = .keep, request: Write<WorkRequest> = .keep, trash: Write<TrashClaims> = .keep,
        why: String? = nil
    ) {
        self.volume = volume
        self.attachment = attachment
        self.readers = readers
        self.desired = desired
        self.request = request
        self.trash = trash
        self.why = why
    }

    /// The same with the reason.
    public func because(_ why: String?) -> StoreChange {
        var change = self
        change.why = why
        return change
    }

    /// Nothing is left of the volume. What is recorded of a mount has gone before; what the trash keeps of removed volumes of that
    /// name is another matter.
    public static let deletion = StoreChange(volume: .delete, desired: .delete, request: .delete)
}

/// Which nodes are alive, by their heartbeat in etcd.
public protocol NodeDirectory: Sendable {
    /// Whether that boot of that node has a living heartbeat. `false` makes a node suspect, nothing more.
    func isAlive(_ node: NodeIdentity) async throws -> Bool
}
