import InMemoryPorts
import RBDDriver
import VolumeCore

/// A deliberate defect in what the driver does, made between the driver and its ports. The simulation must find each.
public enum Mutation: String, Sendable, CaseIterable {
    // The fence.
    case fenceDoesNothing, fenceComesLate, fenceIsShort, fenceForgetsTheFirst, shutOutIsNotSeen
    // Who is alive, and who watches.
    case nodesDieEarly, leaseExpiryIsTrusted, watchersAreNotSeen
    // The records.
    case guardsAreIgnored, attachmentGuardIsIgnored, epochIsKept, epochIsForgotten, recordGoesBeforeUnmap
    case addressIsNotRecorded, mountComesBeforeRecord, unknownIsTakenForDone, readsAreStale, idsAreNotCounted
    case doubtIsDenial
    // Images and filesystems.
    case failedCheckFormats, imageIsOverwritten, foreignUIDIsOurs, formatIsSkipped
    // The kernel.
    case unmapLies, unmountLies, devicesAreNotSeen, deadMappingsAreNotSeen

    /// What it makes the driver do.
    public var what: String {
        switch self {
        case .fenceDoesNothing: "the blocklisting of the former owner is left out"
        case .fenceComesLate: "blocklisted is after the lock was broken and the record says that the fence stands"
        case .fenceIsShort: "a blocklist entry ends after a minute"
        case .fenceForgetsTheFirst: "who takes over from a take-over that was left half-way fences only that one"
        case .shutOutIsNotSeen: "nobody looks whether a device that is mapped has been blocklisted"
        case .nodesDieEarly: "a living node is held for dead"
        case .leaseExpiryIsTrusted: "an expired lease is taken as proof: nothing is fenced, no watcher looked at"
        case .watchersAreNotSeen: "an image that somebody else has open looks idle"
        case .guardsAreIgnored: "records are written whatever is there meanwhile"
        case .attachmentGuardIsIgnored: "writes are guarded with the volume's record only"
        case .epochIsKept: "a take-over keeps the epoch"
        case .epochIsForgotten: "the volume does not remember its last epoch"
        case .recordGoesBeforeUnmap: "the record goes first, then the volume is unmounted"
        case .addressIsNotRecorded: "the client address is not recorded"
        case .mountComesBeforeRecord: "mounted is without recording device and address before"
        case .unknownIsTakenForDone: "a write without an answer is taken for done"
        case .readsAreStale: "reads are not linearizable"
        case .idsAreNotCounted: "an Unmount ignores the other ids"
        case .doubtIsDenial: "when etcd does not answer, a volume does not exist"
        case .failedCheckFormats: "a filesystem that cannot be checked is made anew"
        case .imageIsOverwritten: "an image of the volume's name is replaced"
        case .foreignUIDIsOurs: "any image of the volume's name is taken for the volume's own"
        case .formatIsSkipped: "no filesystem is made"
        case .unmapLies: "unmapping does nothing and says it did"
        case .unmountLies: "unmounting does nothing and says it did"
        case .devicesAreNotSeen: "what the kernel has mapped is not looked at"
        case .deadMappingsAreNotSeen: "nobody looks for the mount of a mapping whose process has died"
        }
    }

    /// The invariants that it breaks, sooner or later.
    public var breaks: Set<Violation.Invariant> {
        switch self {
        case .fenceDoesNothing, .fenceComesLate, .fenceIsShort, .fenceForgetsTheFirst, .leaseExpiryIsTrusted,
            .watchersAreNotSeen, .recordGoesBeforeUnmap, .addressIsNotRecorded, .mountComesBeforeRecord:
            [.oneWriter, .recordedWriter]
        case .shutOutIsNotSeen: [.mountedIsMounted, .unmountedIsGone]
        case .nodesDieEarly: [.livingKeep]
        case .guardsAreIgnored, .attachmentGuardIsIgnored:
            [.epochsGrow, .oneWriter, .recordedWriter, .livingKeep, .answersAreTrue]
        case .epochIsKept, .epochIsForgotten: [.epochsGrow]
        case .unknownIsTakenForDone: [.answersAreTrue, .recordedWriter, .mountedIsMounted, .endsWell]
        case .readsAreStale: [.neverDenied, .answersAreTrue, .endsWell]
        case .idsAreNotCounted: [.usersKeepTheirMount]
        case .doubtIsDenial: [.neverDenied]
        case .failedCheckFormats: [.noSecondFormat]
        case .imageIsOverwritten: [.foreignUntouched]
        case .foreignUIDIsOurs: [.foreignUntouched, .answersAreTrue]
        case .formatIsSkipped: [.answersAreTrue]
        case .unmapLies, .devicesAreNotSeen, .deadMappingsAreNotSeen: [.unmountedIsGone, .endsWell]
        case .unmountLies: [.endsWell]
        }
    }

    func apply(_ ports: inout DriverPorts, _ node: NodePorts) {
        switch self {
        case .fenceDoesNothing, .fenceComesLate, .fenceIsShort, .shutOutIsNotSeen, .nodesDieEarly,
            .leaseExpiryIsTrusted, .watchersAreNotSeen:
            applyToFence(&ports)
        case .fenceForgetsTheFirst, .guardsAreIgnored, .attachmentGuardIsIgnored, .epochIsKept, .epochIsForgotten,
            .recordGoesBeforeUnmap, .addressIsNotRecorded, .mountComesBeforeRecord, .unknownIsTakenForDone,
            .readsAreStale, .idsAreNotCounted, .doubtIsDenial:
            applyToStore(&ports)
        case .failedCheckFormats, .imageIsOverwritten, .foreignUIDIsOurs, .formatIsSkipped, .unmapLies, .unmountLies,
            .devicesAreNotSeen, .deadMappingsAreNotSeen:
            applyToNode(&ports, node.process.cluster, node.identity.node)
        }
    }
}
