import VolumeCore

/// The decisions that the driver leaves to `VolumeCore`, as one value. There is one right set of them; the simulation puts
/// a wrong one in the place of each, to show that it would be noticed.
public struct DriverRules: Sendable {
    public var create:
        @Sendable (VolumeName, VolumeRecord?, VolumeRequest, NodeIdentity, Bool) throws(VolumeError) -> CreateStep = {
            name, recorded, request, me, isAlive throws(VolumeError) in
            try CreateRule.decide(name, recorded: recorded, request: request, me: me, attemptIsAlive: isAlive)
        }
    public var mount: @Sendable (StoredVolume, NodeIdentity, Bool, Bool) throws(VolumeError) -> MountStep = {
        stored, me, mountedHere, ownerIsAlive throws(VolumeError) in
        try MountRule.decide(stored, me: me, mountedHere: mountedHere, ownerIsAlive: ownerIsAlive)
    }
    /// Counts a Mount of the id that takes the place of that many failed Unmounts of it.
    public var count: @Sendable (Attachment, String, Int) -> Attachment = { $0.counting($1, inPlaceOf: $2) }
    /// Whether a Mount takes the place of the Unmounts of its id that failed.
    public var replacesFailedUnmounts = true
    public var unmount: @Sendable (StoredVolume, String, NodeIdentity) -> UnmountStep = {
        UnmountRule.decide($0, mountID: $1, me: $2)
    }
    public var remove: @Sendable (StoredVolume, NodeIdentity, Bool, Bool, OnRemove) throws(VolumeError) -> RemoveStep =
        {
            stored, me, attemptIsAlive, justMounted, choice throws(VolumeError) in
            try RemoveRule.decide(
                stored, me: me, attemptIsAlive: attemptIsAlive, justMounted: justMounted, choice: choice)
        }
    public var readersInTheWay: @Sendable (StoredVolume, NodeIdentity, Set<NodeIdentity>) -> [Attachment] = {
        SharedVolumeRule.inTheWay($0, me: $1, living: $2)
    }
    /// Whether the time is up for which the trash keeps an image.
    public var trashIsDue: @Sendable (TrashedImage, WallTime) -> Bool = { TrashRule.isDue($0, at: $1) }
    public var emptyTrash: @Sendable (TrashedImage, StoredVolume) -> TrashRule.EmptyStep = { TrashRule.empty($0, $1) }
    public var restore:
        @Sendable (TrashedImage, StoredVolume, StoredVolume) throws(VolumeError) -> TrashRule.RestoreStep = {
            image, origin, target throws(VolumeError) in try TrashRule.restore(image, from: origin, to: target)
        }
    public var refuseTaken: @Sendable (ImageReference, ImageDescription?, TrashedImage) throws(VolumeError) -> Void = {
        target, found, image throws(VolumeError) in try TrashRule.refuseTaken(target, by: found, for: image)
    }
    public var recover: @Sendable (Attachment, NodeIdentity, Bool) -> RecoveryStep = {
        RecoveryRule.decide($0, me: $1, mountedHere: $2)
    }
    public var reconcile: @Sendable (Attachment, NodeIdentity, Bool) -> ReconcileStep = {
        ReconcileRule.decide($0, me: $1, justMounted: $2)
    }
    public var mayBeFrozen: @Sendable (StoredVolume) -> Bool = { FreezeRule.mayBeFrozen($0) }
    public var mountsAgain: @Sendable (Attachment, String, Bool, Bool) -> Bool = {
        FreezeRule.mountsAgain($0, at: $1, isMounted: $2, isInUse: $3)
    }
    public var isOfFrozen: @Sendable (TakenSnapshot) -> Bool = { FreezeRule.isOfFrozen($0) }
    public var request: @Sendable (StoredVolume, NodeIdentity, Bool, WallTime) -> RequestStep = {
        RequestRule.decide($0, me: $1, nodeIsAlive: $2, at: $3)
    }
    public var growth: @Sendable (StoredVolume) -> VolumeSize? = { GrowthRule.wanted($0) }
    public var following: @Sendable (VolumeSize, StoredVolume, WallTime) -> DesiredState? = {
        GrowthRule.following($0, $1, at: $2)
    }
    /// What a volume counts for in what the volumes of its policy have in sum.
    public var counted: @Sendable (StoredVolume) -> VolumeSize? = { QuotaRule.counted($0) }
    public var wantedValues: @Sendable (VolumeRecord, RuntimeSettings?) -> RuntimeSettings? = {
        RuntimeRule.wanted($0, policy: $1)
    }
    public var valuesNeedCare: @Sendable (ValuesInForce, RuntimeSettings) -> Bool = {
        RuntimeRule.needsCare($0, wanted: $1)
    }
    public var autogrow: @Sendable (FilesystemUsage, Autogrow, VolumeSize, Duration?) -> AutogrowRule.Step = {
        AutogrowRule.decide($0, $1, size: $2, sinceGrowth: $3)
    }
    public var isTrimDue: @Sendable (WallTime, TrimRule.History, Discard, String) -> Bool = {
        TrimRule.isDue(now: $0, $1, $2, uid: $3)
    }
    public var dueSnapshot: @Sendable (WallTime, ScheduleProgress?, SnapshotSchedule, String) -> ScheduleRule.Step = {
        ScheduleRule.due(now: $0, $1, $2, uid: $3)
    }
    public var surplus: @Sendable ([VolumeSnapshot], SnapshotKeep) -> [VolumeSnapshot] = { KeepRule.remove($0, $1) }
    public var relation: @Sendable (MappedDevice, VolumeRecord, Attachment?) -> DeviceRelation = {
        $0.relation(to: $1, recorded: $2)
    }
    public var unaccounted: @Sendable (Attachment, Set<ClientAddress>) -> [ClientAddress] = {
        ClientRule.unaccounted($0, besides: $1)
    }
    public var silent: @Sendable ([ClientAddress], Set<ClientAddress>) -> [ClientAddress] = {
        ClientRule.silent($0, besides: $1)
    }
    public var forgotten: @Sendable (ImageDescription, Set<ClientAddress>) -> [ClientAddress] = {
        ClientRule.forgotten($0, besides: $1)
    }
    public var standing: @Sendable (ClientAddress, ImageDescription?, VolumeRecord, Bool) -> ClientStanding = {
        ClientRule.standing(of: $0, with: $1, of: $2, writersAreNoted: $3)
    }
    public var isOrphan: @Sendable (String, Set<String>, Duration, Duration) -> Bool = {
        OrphanRule.isOrphan(uid: $0, known: $1, seen: $2, age: $3)
    }

    public init() {}
}
