/// What `volumes/<name>` in etcd says: the volume itself.
public struct VolumeRecord: Sendable, Hashable {
    public enum Phase: String, Sendable, Hashable, Codable, CaseIterable {
        /// Its image or its filesystem may be half made. Never mounted in this phase.
        case creating
        /// Image and filesystem are whole. mkfs never runs again.
        case ready
        /// Being removed: never mounted again, the image may be gone.
        case removing
    }

    /// One attempt to create: who is at it, and a token that no other attempt has. The unfinished image carries the
    /// token in its name, so that an attempt that was given up never gets into the way of the next one.
    public struct Attempt: Sendable, Hashable, Codable {
        public var by: NodeIdentity
        public var token: String

        public init(by: NodeIdentity, token: String) {
            self.by = by
            self.token = token
        }
    }

    /// Which versions may act on it, but for an image that is yet to be made, or that a request changes.
    var ownStamp: RecordStamp
    public var name: VolumeName
    /// This incarnation of the name: a volume removed and created again has another one. The image's metadata holds it.
    public var uid: String
    public var phase: Phase
    public var spec: VolumeSpec
    /// The options as they were given.
    public var options: [String: String]
    /// RFC 3339.
    public var createdAt: String
    /// librbd's id of the image, once it is known.
    public var imageID: String?
    public var origin: Origin
    /// Set while the phase is `creating`.
    public var attempt: Attempt?
    /// Tokens of attempts that were given up and whose unfinished image could not be removed yet: a process that was
    /// killed shows as a watcher of its image for half a minute.
    public var abandoned: [String]
    /// The epoch of the last owner this volume had. Kept here because the attachment goes away with its owner.
    public var epoch: Epoch
    /// Whether no Remove may take the volume.
    public var isProtected = false
    /// The size that the volume was created with, once it has another one. The services of a Swarm go on asking for it.
    public var createdSize: VolumeSize?
    /// When it has become larger last.
    public var grownAt: WallTime?
    /// When what it does not use was given back last.
    public var trimmedAt: WallTime?
    /// The token of the request that holds the volume: for versions that know nothing of requests, to leave the volume alone.
    public var heldFor: String?
    /// For how long the trash is to keep it; set while it is on its way there, or back.
    public var trash: TrashTerm?
    /// How far the schedule of its snapshots has come; `nil` before that has begun.
    public var schedule: ScheduleProgress?
    /// The policy that the volume follows.
    public var policy: PolicyName?
    /// Values of its own, which go before those of its policy.
    public var runtime = RuntimeSettings()
    /// What newer versions have recorded of it.
    public internal(set) var unknown = UnknownFields()

    public init(
        name: VolumeName, uid: String, phase: Phase, spec: VolumeSpec, options: [String: String], createdAt: String,
        imageID: String? = nil, origin: Origin = .blank, attempt: Attempt? = nil, epoch: Epoch = .none
    ) {
        ownStamp = RecordStamp()
        self.name = name
        self.uid = uid
        self.phase = phase
        self.spec = spec
        self.options = options
        self.createdAt = createdAt
        self.imageID = imageID
        self.origin = origin
        self.attempt = attempt
        self.epoch = epoch
        abandoned = []
    }

    /// Which versions may act on it. Once the image is made, its stripes and its parent are the image's own affair. A version that
    /// knows no trash would delete what is to be kept, and one that knows no read-only volumes would let containers write to it.
    public var stamp: RecordStamp {
        let isKept = trash != nil || ![nil, .delete].contains(runtime.onRemove)
        let isForNewerOnly = isMadeByNewerOnly || heldFor != nil || isKept || spec.access == .readOnly
        return isForNewerOnly ? ownStamp.closedToOlder : ownStamp
    }

    private var isMadeByNewerOnly: Bool {
        guard phase == .creating else { return false }
        return switch origin {
        case .blank: spec.striping != nil
        case .adopted: false
        case .cloned: true
        }
    }

    public var adopted: Bool { origin == .adopted }

    /// What the volume was made out of; `nil` when it is no clone.
    public var clonedFrom: CloneOrigin? {
        guard case .cloned(let origin) = origin else { return nil }
        return origin
    }

    /// Whether a removal leaves the image as it is: it was there before the volume, and whoever adopted it has not said that
    /// it goes with the volume.
    public var keepsImage: Bool {
        adopted && options[VolumeOption.adopt.rawValue].flatMap(Adoption.init) != .own
    }

    /// Where the finished image is: it has the volume's name.
    public var image: ImageReference {
        ImageReference(pool: spec.pool, namespace: spec.namespace, name: name.text)
    }

    /// Where the image is until its filesystem is whole. The rename to `image` is what makes it the volume's image:
    /// an image under the volume's name is therefore never half made, and never anybody else's by mistake.
    public func unfinishedImage(ofAttempt token: String) -> ImageReference {
        image.named(Self.unfinishedPrefix + uid + "." + token)
    }

    /// Where the image is on its way out, and what Ceph's trash shows it as: nothing else is ever called that.
    public var removedImage: ImageReference { image.named(Self.removedPrefix + uid + "." + name.text) }

    /// Where the image is on its way into the trash when that is to keep it, and what Ceph's trash shows it as. Until when, the name
    /// itself says: no record can be lost over it. Versions that know nothing of this take such a name for somebody else's.
    public func keptImage(until: WallTime) -> ImageReference {
        image.named("\(Self.keptPrefix)\(until.seconds).\(uid).\(name.text)")
    }

    /// The record with a new attempt; the one before it, if any, is abandoned.
    public func retried(by node: NodeIdentity, token: String) -> VolumeRecord {
        var next = withoutAttempt
        next.attempt = Attempt(by: node, token: token)
        return next
    }

    /// The record with its attempt, if any, on the list of those whose unfinished image is to be removed.
    public var withoutAttempt: VolumeRecord {
        var record = self
        if let attempt { record.abandoned.append(attempt.token) }
        record.attempt = nil
        return record
    }

    /// The uid of the volume that an image of this name is an unfinished image of; `nil` when it is no such name.
    public static func uid(ofUnfinishedImage name: String) -> String? {
        guard name.hasPrefix(unfinishedPrefix), let dot = name.lastIndex(of: ".") else { return nil }
        return String(name[..<dot].dropFirst(unfinishedPrefix.count))
    }

    /// What the names of the images of removed volumes begin with.
    public static let removedPrefix = "rbd-plugin.removed."

    /// What the names of the images of removed volumes begin with that the trash keeps.
    public static let keptPrefix = "rbd-plugin.kept."

    /// What the name of an unfinished image ends with while it is being removed.
    public static let withdrawnSuffix = ".removed"

    /// What the names of all unfinished images begin with.
    public static let unfinishedPrefix = "rbd-plugin.creating."
}
