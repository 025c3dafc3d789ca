/// What `mounts/<name>` in etcd says: who has the volume, and what a person or another node needs to take it back.
///
/// There is no lease on it: it says what is true of a disk, and a disk does not come unmapped because a lease ran out.
public struct Attachment: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// Claimed; the image may be mapped, with or without the address being recorded yet.
        case attaching
        /// Mounted; Docker has, or had, the mountpoint.
        case attached
        /// Being unmounted and unmapped.
        case detaching
        /// Being taken over by `owner` from `fenced`; nobody may map it until the fence stands.
        case fencing
    }

    /// The owner that a take-over is shutting out, and where it wrote from.
    public struct Fenced: Sendable, Hashable {
        public var owner: NodeIdentity
        public var epoch: Epoch
        /// The addresses that it had recorded.
        public var clients: [ClientAddress]
        /// Whether it may have mapped the image without having recorded the address: then watchers and lock owners
        /// tell the rest.
        public var mayBeIncomplete: Bool
        /// As in the record of the mount.
        public var writersAreNoted: Bool?
        /// What newer versions have recorded of the take-over.
        public internal(set) var unknown = UnknownFields()

        public init(
            owner: NodeIdentity, epoch: Epoch, clients: [ClientAddress], mayBeIncomplete: Bool,
            writersAreNoted: Bool? = nil
        ) {
            self.owner = owner
            self.epoch = epoch
            self.clients = clients
            self.mayBeIncomplete = mayBeIncomplete
            self.writersAreNoted = writersAreNoted
        }

        /// What there is to fence of an owner.
        public init(_ former: Attachment) {
            self.init(
                owner: former.owner, epoch: former.epoch, clients: former.clients,
                mayBeIncomplete: former.clients.isEmpty || former.state == .attaching,
                writersAreNoted: former.writersAreNoted)
        }
    }

    /// Which versions may act on it.
    public internal(set) var stamp: RecordStamp
    /// The incarnation of the volume that this is about.
    public var volumeUID: String
    public var owner: NodeIdentity
    public var epoch: Epoch
    public var state: State
    /// `krbd`, `nbd` or `fuse`, once mapped.
    public var mapper: String?
    /// `/dev/rbd0`, once mapped.
    public var device: String?
    /// The addresses the mapping writes from, once mapped: what a fence has to blocklist.
    public var clients: [ClientAddress]
    /// Whether each of `clients` was noted in the image before it was recorded here (`ImageStore.noteWriter`): then one that
    /// the image does not know any more is gone. Versions that noted nothing have left this out.
    public var writersAreNoted: Bool?
    /// On the owner, inside the plugin.
    public var mountpoint: String?
    /// Docker's mount ids, each with how often it was mounted and not yet unmounted.
    public var mountIDs: [String: Int]
    /// RFC 3339: since when this owner has had it.
    public var since: String
    public var fenced: Fenced?
    /// A node that waits for the volume. The owner answers: it lets go when nobody uses the volume, else it takes this
    /// away again.
    public var wantedBy: NodeIdentity?
    /// Of the values that can change while the volume is in use.
    public var inForce = ValuesInForce.none
    /// Why the volume does not have the size yet that is wanted of it; `nil` when nothing stands in the way.
    public var growthReason: String?
    /// Why the volume, which is full, does not become larger by itself; `nil` when it is not full, or grows.
    public var autogrowReason: String?
    /// What newer versions have recorded of the mount.
    public internal(set) var unknown = UnknownFields()

    public init(
        volumeUID: String, owner: NodeIdentity, epoch: Epoch, state: State, mapper: String? = nil,
        device: String? = nil, clients: [ClientAddress] = [], mountpoint: String? = nil,
        mountIDs: [String: Int] = [:], since: String, fenced: Fenced? = nil, wantedBy: NodeIdentity? = nil
    ) {
        stamp = RecordStamp()
        self.volumeUID = volumeUID
        self.owner = owner
        self.epoch = epoch
        self.state = state
        self.mapper = mapper
        self.device = device
        self.clients = clients
        self.mountpoint = mountpoint
        self.mountIDs = mountIDs
        self.since = since
        self.fenced = fenced
        self.wantedBy = wantedBy
    }
}

extension Attachment {
    /// Counts one more Mount of `id`. The same id can be mounted more than once (`docker cp` does).
    public func counting(_ id: String) -> Attachment {
        var counted = self
        counted.mountIDs[id, default: 0] += 1
        return counted
    }

    /// Counts one more Mount of `id`, after `unfinished` Unmounts of it that failed: Docker, which keeps the id of a failed
    /// Unmount, has nothing but this Mount.
    public func counting(_ id: String, inPlaceOf unfinished: Int) -> Attachment {
        var counted = self
        for _ in 0..<unfinished { counted = counted.uncounting(id) }
        return counted.counting(id)
    }

    /// Counts a Mount of `id` as its only one: what was counted for it before was a mount that is gone, of which no Unmount
    /// will ever come. Docker mounts so with the id of before when it comes back after a crash.
    public func countingAnew(_ id: String) -> Attachment {
        var counted = self
        counted.mountIDs[id] = 1
        return counted
    }

    /// Counts one Mount of `id` less; unchanged when the id is not known.
    public func uncounting(_ id: String) -> Attachment {
        guard let count = mountIDs[id] else { return self }
        var counted = self
        counted.mountIDs[id] = count > 1 ? count - 1 : nil
        return counted
    }
}
