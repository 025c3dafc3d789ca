import VolumeCore

/// A Ceph cluster: pools, images and the blocklist.
public struct SimulatedCeph: Sendable {
    public struct Pool: Sendable, Hashable {
        /// What the pool could hold at most.
        public var capacity: VolumeSize
        public var namespaces: Set<String>

        public init(capacity: VolumeSize = VolumeSize(bytes: 1 << 44), namespaces: Set<String> = []) {
            self.capacity = capacity
            self.namespaces = namespaces
        }
    }

    public var pools: [String: Pool] = [:]
    public internal(set) var images: [ImageReference: SimulatedImage] = [:]
    /// What is in the trash, by image id.
    public internal(set) var trash: [String: TrashedEntry] = [:]
    /// Blocklisted clients, each with the moment at which its entry ends.
    public internal(set) var blocklist: [ClientAddress: Duration] = [:]
    /// Clients that Ceph shows with an address that names no client.
    var obscured: Set<ClientAddress> = []
    /// Watches of clients that went without a word, by image id: the OSD forgets them when the time is up.
    var orphanedWatches: [String: [ClientAddress: Duration]] = [:]
    /// How long a silent client stays a watcher (`osd_client_watch_timeout`).
    public var watchTimeout: Duration = .seconds(30)
    private var created: UInt64 = 0
    private var filesystemsMade: UInt64 = 0

    public init() {}

    /// The UUID of a new filesystem.
    mutating func nextFilesystemUUID() -> UInt64 {
        filesystemsMade += 1
        return filesystemsMade
    }

    /// How many snapshots there have been: the number of the last.
    public internal(set) var snapshotsTaken: UInt64 = 0

    mutating func nextImageID() -> String {
        created += 1
        return String(0x1000 + created, radix: 16)
    }

    func reference(ofImage id: String) -> ImageReference? {
        images.first { $0.value.id == id }?.key
    }

    func isBlocklisted(_ client: ClientAddress, at now: Duration) -> Bool {
        blocklist[client].map { $0 > now } ?? false
    }
}

/// An image in the trash.
public struct TrashedEntry: Sendable, Hashable {
    /// Where it was.
    public var reference: ImageReference
    public var image: SimulatedImage
    /// Until when nobody deletes it who does not insist.
    public var protectedUntil: WallTime?
    /// Its data may be gone: it is restored no more.
    public var isBeingDeleted = false
}

/// A snapshot of an image.
public struct SimulatedSnapshot: Sendable, Hashable {
    public var id: UInt64
    public var name: String
    public var size: VolumeSize
    public var content: ImageContent
    public var takenAt: WallTime
    public var mark: SnapshotMark?
    /// Whether nobody could write to the image when it was taken: it was frozen, or mounted nowhere.
    public var wasQuiet = false
}

/// An RBD image and what is on it.
public struct SimulatedImage: Sendable, Hashable {
    public var id: String
    public var size: VolumeSize
    public var order: UInt8
    public var features: ImageFeatures
    public var striping: ImageStriping?
    public var uid: String?
    public var content: ImageContent
    /// In the order in which they were taken.
    public var snapshots: [SimulatedSnapshot] = []
    /// Those that somebody has removed and a clone needs still.
    var keptSnapshots: Set<UInt64> = []
    /// The snapshot that it is a clone of.
    public internal(set) var parent: UInt64?
    /// The id of the image whose snapshot that is.
    public internal(set) var parentImage: String?
    /// The attempts to take snapshots that are not marked yet, by their names.
    var taking: [String: String] = [:]
    /// Who holds the exclusive lock. A client that died holds it until somebody breaks it.
    public var lockOwner: ClientAddress?
    /// Who may write to it, as it says itself.
    public var writers: Set<ClientAddress> = []
    /// What it says of its volume, for when the trash keeps it.
    public internal(set) var kept: KeptVolume?
    /// What it is being rolled back to.
    public internal(set) var rollingBackTo: UInt64?
    /// How often it was rolled back.
    public internal(set) var timesRolledBack = 0
    /// How often mkfs wrote to it.
    public var timesFormatted = 0

    func has(_ snapshot: SimulatedSnapshot) -> Bool { snapshots.contains { $0.id == snapshot.id } }

    mutating func letGoOfSnapshots() {
        for index in snapshots.indices { snapshots[index].mark?.isHeld = false }
        let scheduled = Set(listed.filter(\.isScheduledAndFree).map(\.id))
        snapshots.removeAll { !scheduled.contains($0.id) }
    }

    /// The snapshots as the port lists them.
    public var listed: [VolumeSnapshot] {
        snapshots.map { snapshot in
            var listed = VolumeSnapshot(snapshot)
            listed.attempt = taking[snapshot.name]
            return listed
        }
    }

    /// The filesystem on it, if there is a whole one.
    public internal(set) var filesystem: SimulatedFilesystem? {
        get {
            if case .filesystem(let filesystem) = content { filesystem } else { nil }
        }
        set {
            if let newValue { content = .filesystem(newValue) }
        }
    }
}

/// What an image holds.
public enum ImageContent: Sendable, Hashable {
    /// Zeroes from end to end.
    case blank
    /// Neither blank nor a filesystem: mkfs or the removal broke off, or somebody else's bytes.
    case unreadable
    case filesystem(SimulatedFilesystem)
}

/// A filesystem as an abstract log of writes.
public struct SimulatedFilesystem: Sendable, Hashable {
    public var type: FilesystemType
    public var size: VolumeSize
    public internal(set) var uuid: UInt64 = 0
    /// What applications wrote, in the order in which it reached the disk.
    public var records: [String] = []
    /// In files.
    public internal(set) var usedBytes: UInt64 = 0
    /// Of files that are gone, and that Ceph still keeps.
    public internal(set) var staleBytes: UInt64 = 0
    public var hasLostAndFound: Bool
    public var uid: UInt32 = 0
    public var gid: UInt32 = 0
    public var mode: UInt16 = 0o755
    /// Mounted, or not cleanly unmounted: the journal has to be replayed.
    public var needsRecovery = false
    /// Has errors that `e2fsck -p` repairs.
    public var needsRepair = false
    /// Was mounted so often, or so long ago was the last check, that it wants another one.
    public var isCheckDue = false
    /// A person has to look: check and mount refuse.
    public var isDamaged = false
    /// Grows with every write. A mount that finds a number it did not write has been written to behind its back.
    public var sequence = 0

    public init(type: FilesystemType, size: VolumeSize) {
        self.type = type
        self.size = size
        hasLostAndFound = type == .ext4
    }
}
