/// A snapshot of a volume's image, as far as people can see it.
public struct VolumeSnapshot: Sendable, Hashable {
    /// Ceph's number of it, which no other snapshot of the pool ever has.
    public var id: UInt64
    public var name: String
    /// The size that the image had.
    public var size: VolumeSize
    /// When Ceph took it.
    public var takenAt: WallTime
    /// What the plugin has noted of it; `nil` when others have taken it.
    public var mark: SnapshotMark?
    /// The token of an attempt of the plugin's that has taken it and has not come to its mark.
    public var attempt: String?
    /// Whether it cannot be removed because somebody protected it in Ceph, as for a clone of the old kind.
    public var isProtected: Bool

    public init(
        id: UInt64, name: String, size: VolumeSize, takenAt: WallTime, mark: SnapshotMark?, attempt: String? = nil,
        isProtected: Bool = false
    ) {
        self.id = id
        self.name = name
        self.size = size
        self.takenAt = takenAt
        self.mark = mark
        self.attempt = attempt
        self.isProtected = isProtected
    }

    /// Who has taken it.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A person, by the plugin's command.
        case manual
        /// The plugin by itself.
        case scheduled
        /// Somebody else.
        case foreign
    }

    public var kind: Kind {
        guard let mark else { return .foreign }
        return mark.slot == nil ? .manual : .scheduled
    }

    /// The slot that it was taken for, when the plugin was ended before it could mark it.
    public var unfinishedSlot: WallTime? {
        guard mark == nil, let slot = attempt.flatMap(SnapshotMark.slot(ofToken:)),
            name == (try? ScheduleRule.name(of: slot).text)
        else { return nil }
        return slot
    }

    /// Whether the plugin has taken it by itself, and nobody holds it.
    public var isScheduledAndFree: Bool {
        unfinishedSlot != nil || (kind == .scheduled && mark?.isHeld == false && !isProtected)
    }
}

extension [VolumeSnapshot] {
    /// - Parameters:
    ///   - volume: whose snapshots these are, as people call it.
    ///   - what: what it is wanted for, for the error.
    /// - Throws: `VolumeError` with code `notFound`.
    public func named(_ name: String, of volume: String, _ what: String) throws(VolumeError) -> VolumeSnapshot {
        if let found = first(where: { $0.name == name }) { return found }
        throw VolumeError(
            .notFound, what, why: "there is no snapshot \(name) of volume \(volume)",
            remedy: "see 'rbd-plugin snapshot ls \(volume)'", outcome: .refused)
    }
}

/// What the plugin notes of a snapshot that it takes, in the image itself, under the snapshot's number: a person's snapshot of the
/// same name does not have it.
public struct SnapshotMark: Sendable, Hashable, Codable {
    /// What its content is worth.
    public enum Consistency: String, Sendable, Hashable, Codable, CaseIterable {
        /// No node had the volume mounted: the filesystem is whole.
        case unmounted
        /// The filesystem was frozen for it: the filesystem is whole.
        case frozen
        /// As after a power cut: the filesystem repairs itself by its journal, programs by theirs.
        case crash
    }

    public var consistency: Consistency
    /// Who had it taken: `operator@n1`.
    public var by: String
    /// Told apart by it are two attempts to take a snapshot of one name.
    public var token: String
    /// Whether it stays until a person lifts that.
    public var isHeld: Bool
    /// The slot of the schedule that it was taken for; `nil` when a person had it taken.
    public var slot: WallTime?

    public init(
        consistency: Consistency, by: String, token: String, isHeld: Bool = false, slot: WallTime? = nil
    ) {
        self.consistency = consistency
        self.by = by
        self.token = token
        self.isHeld = isHeld
        self.slot = slot
    }
}

extension SnapshotMark {
    /// That of a snapshot that is taken by schedule. Whoever takes it has the same token: so what one node has begun, another
    /// one finishes.
    public static func scheduled(_ slot: WallTime, consistency: Consistency, by node: String) -> SnapshotMark {
        SnapshotMark(consistency: consistency, by: node, token: tokenPrefix + slot.description, slot: slot)
    }

    /// What the names of snapshots that are taken by schedule begin with.
    static let namePrefix = "auto-"

    private static let tokenPrefix = "slot-"

    /// The slot that an attempt with this token is for.
    static func slot(ofToken token: String) -> WallTime? {
        guard token.hasPrefix(tokenPrefix) else { return nil }
        return WallTime(String(token.dropFirst(tokenPrefix.count)))
    }
}
