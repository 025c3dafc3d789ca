import InMemoryPorts
import RBDDriver
import VolumeCore

/// A deliberate defect in what the driver does, made between the driver and its ports. The simulation must find each.
public enum Mutation: String, Sendable, CaseIterable {
    // The fence.
    case fenceDoesNothing, fenceComesLate, fenceIsShort, fenceForgetsTheFirst
    // Who is alive, and who watches.
    case nodesDieEarly, leaseExpiryIsTrusted, watchersAreNotSeen
    // The records.
    case guardsAreIgnored, attachmentGuardIsIgnored, epochIsKept, epochIsForgotten, recordGoesBeforeUnmap
    case addressIsNotRecorded, mountComesBeforeRecord, unknownIsTakenForDone, readsAreStale, idsAreNotCounted
    case doubtIsDenial
    // Images and filesystems.
    case failedCheckFormats, imageIsOverwritten, foreignUIDIsOurs, formatIsSkipped
    case trashIsPurged, snapshotsAreNotSeen
    // What the trash keeps.
    case keptIsEmptiedEarly, cephsClockIsNotAsked, restoreIgnoresTheName
    // The kernel.
    case unmapLies, unmapIsBelieved, unmountLies, devicesAreNotSeen, deadMappingsAreNotSeen
    // Who is shut out, and who ought to be.
    case everyoneIsShutOut, lockOwnersAreNotSeen, wrongClientIsShutOut, fenceErrorsAreIgnored, nodesNeverDie
    case unseenClientsAreForgotten, silentOwnersAreLeft, useIsNotSeen
    // More of the records.
    case lastDeleteIsUnguarded, newClientIsNotRecorded, undoForgetsItsClaim, reattachForgetsClients, deletesAreNotDone
    case wishesAreLost, readyComesFirst, recordOfVolumeGoesFirst, readsComeFromTheCopy, nothingIsUnsettled
    // More of images, devices and mounts.
    case mapIgnoresTheID, removalIgnoresTheID, clientIsNotTold, checkIsSkipped, repairIsForgotten, mountsAreNotSeen
    case rootIsNotPrepared, orphansStay
    // Who may write, as the image says.
    case recordsAreBelieved, writersAreNotNoted, forgottenWritersAreLeft
    // Decisions.
    case failedUnmountsStay, recordIsTakenForMount, removalIgnoresMounts, removalTakesWhatWasJustMounted
    case startAdoptsNothing, justMountedIsGivenAway, budgetsAreEndless, removalIgnoresProtection
    // Sizes.
    case growthIsForgotten, filesystemsDoNotGrow, growthIgnoresTheID, wishesOutliveVolumes, grownImagesAreNotSeen
    case fullVolumesStay, autogrowIgnoresItsBound, autogrowDoesNotPause
    // What operators ask for.
    case requestsAreForgotten, heldIsMounted, freezeIsClaimed, frozenStaysFrozen
    // Snapshots by schedule.
    case slotsAreForgotten, dueSnapshotsAreNotTaken, heldSnapshotsAreRemoved, othersSnapshotsAreRemoved, surplusStays
    case tooManySnapshotsAreRemoved, leftFrozenStays, heldIsNotMountedAgain, olderCountsAsFrozen
    // Clones.
    case clonesKeepTheirUUID, clonesAreMadeBlank, snapshotsOfNowStay
    // What many nodes read.
    case sharedIsMappedForWriting, removalIgnoresReaders, readersForgetTheOthers
    // Values that change.
    case valuesAreForgotten, limitsAreClaimed, limitsComeAtMountsOnly
    // What is told of it.
    case takeOversAreNotTold, historyComesAfterwards
    // What the volumes of a policy have in sum.
    case quotasAreNotGuarded, unfinishedCreatesAreNotCounted

    /// Whether it shows too seldom for a hunt on every commit: about once in 100,000 histories, or less.
    public var isRare: Bool {
        switch self {
        case .unmapIsBelieved, .slotsAreForgotten, .heldSnapshotsAreRemoved, .growthIgnoresTheID:
            true
        default: false
        }
    }

    /// What it makes the driver do.
    public var what: String {
        switch self {
        case .fenceDoesNothing: "the blocklisting of the former owner is left out"
        case .fenceComesLate: "blocklisted is after the lock was broken and the record says that the fence stands"
        case .fenceIsShort: "a blocklist entry ends after a minute"
        case .fenceForgetsTheFirst: "who takes over from a take-over that was left half-way fences only that one"
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
        case .trashIsPurged: "whatever is in the trash is deleted"
        case .keptIsEmptiedEarly: "what the trash keeps is deleted before its time"
        case .cephsClockIsNotAsked: "a node's own clock says alone what the trash has kept for long enough"
        case .restoreIgnoresTheName: "a removed volume is restored over the one that has its name"
        case .snapshotsAreNotSeen: "an image with snapshots is removed with them"
        case .unmapLies: "unmapping does nothing and says it did"
        case .unmapIsBelieved: "a device that is not found counts as unmapped"
        case .unmountLies: "unmounting does nothing and says it did"
        case .devicesAreNotSeen: "what the kernel has mapped is not looked at"
        case .deadMappingsAreNotSeen: "nobody looks for the mount of a mapping whose process has died"
        case .everyoneIsShutOut: "every client looks as if it were on the blocklist"
        case .lockOwnersAreNotSeen: "nobody looks who holds an image's lock"
        case .wrongClientIsShutOut: "another address is put on the blocklist"
        case .fenceErrorsAreIgnored: "a fence that fails counts as standing"
        case .nodesNeverDie: "every node counts as alive"
        case .unseenClientsAreForgotten: "what the mapper does not show counts as gone"
        case .silentOwnersAreLeft: "a lock without a watch is left to whoever maps next"
        case .useIsNotSeen: "nobody looks whether a lost device is in use"
        case .lastDeleteIsUnguarded: "an Unmount deletes whatever record of a mount there is in the end"
        case .newClientIsNotRecorded: "the client of a second mapping is not recorded"
        case .undoForgetsItsClaim: "a Mount that cannot be undone gives its claim up"
        case .reattachForgetsClients: "whoever attaches anew forgets the clients of before"
        case .deletesAreNotDone: "records of mounts are not deleted"
        case .wishesAreLost: "an owner never learns that another node asks"
        case .readyComesFirst: "a volume is ready before its image is"
        case .recordOfVolumeGoesFirst: "a removal deletes the record first"
        case .readsComeFromTheCopy: "the node's copy is taken for what etcd says"
        case .nothingIsUnsettled: "background work finds nothing to do"
        case .mapIgnoresTheID: "whatever bears the image's name is mapped"
        case .removalIgnoresTheID: "whatever bears the image's name is removed"
        case .clientIsNotTold: "the mapper does not tell the client of a new mapping"
        case .checkIsSkipped: "filesystems are not checked"
        case .repairIsForgotten: "what was repaired is not mapped anew"
        case .mountsAreNotSeen: "nothing ever looks mounted"
        case .rootIsNotPrepared: "the root of a volume stays as mkfs made it"
        case .orphansStay: "unfinished images that no record knows stay"
        case .recordsAreBelieved: "whoever a record names is shut out"
        case .writersAreNotNoted: "the image is not told who may write to it"
        case .forgottenWritersAreLeft: "a writer that no record names any more is left alone"
        case .failedUnmountsStay: "an Unmount that failed is carried out after a later Mount of its id"
        case .recordIsTakenForMount: "what the record says is mounted counts as mounted"
        case .removalIgnoresMounts: "a Remove does not look who has the volume"
        case .removalTakesWhatWasJustMounted: "a Remove takes a volume that is just being handed to a container"
        case .startAdoptsNothing: "a plugin that starts lets go of what it finds mounted"
        case .justMountedIsGivenAway: "a volume that is just being handed to a container is given to who asks"
        case .removalIgnoresProtection: "a Remove takes a volume that is protected"
        case .growthIsForgotten: "nobody does anything about a size that is wanted"
        case .filesystemsDoNotGrow: "a filesystem that was not grown counts as grown"
        case .growthIgnoresTheID: "whatever bears the image's name is grown"
        case .wishesOutliveVolumes: "what was wanted of a volume stays when the volume goes"
        case .grownImagesAreNotSeen: "an image that was made larger by hand keeps its small filesystem"
        case .valuesAreForgotten: "nobody does anything about values that are set"
        case .limitsAreClaimed: "a device that was not limited counts as limited"
        case .limitsComeAtMountsOnly: "values that change while a volume is mounted wait for its next mount"
        case .slotsAreForgotten: "of the slots that were taken the last one alone is remembered"
        case .dueSnapshotsAreNotTaken: "a snapshot that is due is not taken"
        case .heldSnapshotsAreRemoved: "a snapshot that is held is removed when it is not to stay"
        case .othersSnapshotsAreRemoved: "snapshots of others count as the plugin's own"
        case .tooManySnapshotsAreRemoved: "one snapshot too many is removed"
        case .surplusStays: "snapshots that are not to stay stay"
        case .clonesKeepTheirUUID: "the filesystem of a clone keeps the UUID of its parent's"
        case .clonesAreMadeBlank: "an image that is to be a clone is formatted instead"
        case .snapshotsOfNowStay: "the snapshot that a clone of now is made of stays"
        case .sharedIsMappedForWriting: "what many nodes read is mapped for writing, and looks as if it were not"
        case .removalIgnoresReaders: "a Remove does not look which nodes read the volume"
        case .readersForgetTheOthers: "a node that mounts what many read records itself alone"
        case .fullVolumesStay: "a volume that is full does not grow by itself"
        case .autogrowIgnoresItsBound: "a volume grows by itself beyond its bound"
        case .autogrowDoesNotPause: "a volume grows by itself as often as it is looked at"
        case .requestsAreForgotten: "nobody does what is asked for"
        case .heldIsMounted: "a volume that is being rolled back is mounted"
        case .freezeIsClaimed: "a filesystem that was not frozen counts as frozen"
        case .frozenStaysFrozen: "a filesystem that was not thawed counts as thawed"
        case .leftFrozenStays: "what a killed plugin has left frozen is not thawed"
        case .heldIsNotMountedAgain: "what was left frozen and lost its mountpoint is not mounted again"
        case .olderCountsAsFrozen: "a snapshot that was there already counts as one of the frozen filesystem"
        case .takeOversAreNotTold: "the history tells of nobody who takes a volume over"
        case .historyComesAfterwards: "what happened is told in a transaction of its own, after it has happened"
        case .quotasAreNotGuarded: "of several nodes that find room under a policy at the same time each adds a volume"
        case .unfinishedCreatesAreNotCounted: "a volume does not count under its policy before it is ready"
        case .budgetsAreEndless: "operations may take a hundred times as long"
        }
    }

    /// The invariants that it breaks, sooner or later.
    public var breaks: Set<Violation.Invariant> {
        switch self {
        case .fenceDoesNothing, .fenceComesLate, .fenceIsShort, .fenceForgetsTheFirst, .leaseExpiryIsTrusted,
            .recordGoesBeforeUnmap, .addressIsNotRecorded, .mountComesBeforeRecord:
            [.oneWriter, .oneMapping, .recordedWriter, .clientsAreNamed, .endsWell]
        // A mapping that nobody seems to have open any more is taken for dead, and its mount away.
        case .watchersAreNotSeen: [.oneWriter, .oneMapping, .livingKeep, .mountedIsMounted, .usersKeepTheirMount]
        // Whoever "is" on the blocklist is put there again without a question, also whom only a forged record names.
        case .everyoneIsShutOut:
            [.oneWriter, .oneMapping, .livingKeep, .mountedIsMounted, .othersAreLeftAlone, .endsWell]
        case .nodesDieEarly: [.livingKeep]
        case .guardsAreIgnored, .attachmentGuardIsIgnored:
            [
                .epochsGrow, .oneWriter, .oneMapping, .recordedWriter, .livingKeep, .answersAreTrue, .clientsAreNamed,
                .usersKeepTheirMount, .endsWell,
            ]
        case .epochIsKept, .epochIsForgotten: [.epochsGrow]
        case .unknownIsTakenForDone:
            [.answersAreTrue, .recordedWriter, .mountedIsMounted, .unmountedIsGone, .endsWell]
        case .readsAreStale: [.neverDenied, .answersAreTrue, .endsWell]
        // Nor does anybody grow or limit a volume that seems to have no users.
        case .idsAreNotCounted: [.usersKeepTheirMount, .endsWell]
        case .doubtIsDenial: [.neverDenied]
        case .failedCheckFormats: [.noSecondFormat]
        case .imageIsOverwritten: [.foreignUntouched]
        case .foreignUIDIsOurs: [.foreignUntouched, .answersAreTrue]
        case .formatIsSkipped: [.answersAreTrue]
        case .trashIsPurged, .snapshotsAreNotSeen: [.foreignUntouched]
        case .keptIsEmptiedEarly, .cephsClockIsNotAsked: [.trashKeepsItsPromise, .snapshotsAreKept, .foreignUntouched]
        case .restoreIgnoresTheName: [.noRecordLost, .answersAreTrue, .protectedStays, .endsWell]
        case .unmapLies: [.clientsAreNamed, .oneWriter, .oneMapping, .unmountedIsGone, .endsWell]
        case .devicesAreNotSeen, .deadMappingsAreNotSeen: [.unmountedIsGone, .endsWell, .livingKeep]
        case .unmapIsBelieved: [.clientsAreNamed, .oneWriter, .oneMapping, .unmountedIsGone]
        case .unmountLies: [.endsWell]
        case .lockOwnersAreNotSeen, .wrongClientIsShutOut, .fenceErrorsAreIgnored,
            .silentOwnersAreLeft, .lastDeleteIsUnguarded, .newClientIsNotRecorded:
            [.oneWriter, .oneMapping, .recordedWriter, .clientsAreNamed]
        // What has another client than the mapping that was made counts as another mapping, and is not mounted.
        case .clientIsNotTold: [.oneWriter, .oneMapping, .recordedWriter, .clientsAreNamed, .endsWell]
        case .unseenClientsAreForgotten, .undoForgetsItsClaim, .reattachForgetsClients:
            [.clientsAreNamed, .unmountedIsGone]
        case .nodesNeverDie, .wishesAreLost, .nothingIsUnsettled, .orphansStay, .budgetsAreEndless: [.endsWell]
        // A mount that is given up under its containers is also one that the next start does not find: what was left frozen
        // on it is thawed by nobody.
        case .useIsNotSeen: [.livingKeep, .endsWell]
        case .deletesAreNotDone: [.unmountedIsGone, .endsWell]
        case .readyComesFirst: [.answersAreTrue, .endsWell]
        case .recordOfVolumeGoesFirst: [.endsWell, .answersAreTrue]
        case .readsComeFromTheCopy: [.neverDenied, .answersAreTrue, .endsWell]
        case .mapIgnoresTheID: [.mountedIsMounted, .foreignUntouched]
        case .removalIgnoresTheID: [.foreignUntouched]
        case .checkIsSkipped, .repairIsForgotten: [.oneWriter]
        case .mountsAreNotSeen: [.endsWell, .mountedIsMounted, .unmountedIsGone, .usersKeepTheirMount]
        case .rootIsNotPrepared: [.answersAreTrue]
        case .failedUnmountsStay, .removalTakesWhatWasJustMounted, .startAdoptsNothing, .justMountedIsGivenAway:
            [.usersKeepTheirMount]
        case .recordIsTakenForMount: [.mountedIsMounted]
        case .recordsAreBelieved: [.othersAreLeftAlone]
        case .forgottenWritersAreLeft: [.oneWriter]
        case .writersAreNotNoted: [.oneWriter, .oneMapping, .clientsAreNamed, .endsWell]
        case .removalIgnoresProtection: [.protectedStays]
        case .growthIsForgotten, .wishesOutliveVolumes, .grownImagesAreNotSeen, .fullVolumesStay: [.endsWell]
        case .slotsAreForgotten: [.slotsAreTakenOnce]
        case .dueSnapshotsAreNotTaken, .surplusStays: [.endsWell]
        case .heldSnapshotsAreRemoved, .tooManySnapshotsAreRemoved: [.snapshotsAreKept]
        case .othersSnapshotsAreRemoved: [.snapshotsAreKept, .foreignUntouched]
        case .clonesKeepTheirUUID, .clonesAreMadeBlank: [.clonesAreCopies]
        case .sharedIsMappedForWriting: [.sharedIsReadOnly, .oneWriter, .oneMapping]
        case .removalIgnoresReaders: [.readersKeepTheirImage]
        case .readersForgetTheOthers: [.readersKeepTheirImage, .answersAreTrue, .usersKeepTheirMount, .endsWell]
        case .snapshotsOfNowStay: [.endsWell]
        case .autogrowIgnoresItsBound: [.growthIsBounded]
        case .autogrowDoesNotPause: [.growthPauses]
        case .filesystemsDoNotGrow: [.appliedIsTrue]
        case .valuesAreForgotten, .limitsComeAtMountsOnly: [.endsWell]
        case .limitsAreClaimed: [.inForceIsTrue]
        case .requestsAreForgotten, .frozenStaysFrozen, .leftFrozenStays, .heldIsNotMountedAgain: [.endsWell]
        case .heldIsMounted: [.noRecordLost, .mountedIsMounted, .answersAreTrue, .endsWell]
        case .freezeIsClaimed, .olderCountsAsFrozen: [.frozenIsTrue]
        // The guard also keeps a volume from being recorded under a policy that somebody has just removed: nobody would know then
        // what is wanted of it.
        case .quotasAreNotGuarded: [.quotaHolds, .endsWell]
        case .unfinishedCreatesAreNotCounted: [.quotaHolds]
        case .takeOversAreNotTold, .historyComesAfterwards: [.historyIsTrue]
        case .growthIgnoresTheID: [.foreignUntouched, .appliedIsTrue, .endsWell]
        case .removalIgnoresMounts: [.noRecordLost, .foreignUntouched, .unmountedIsGone, .endsWell]
        }
    }

    func apply(_ ports: inout DriverPorts, _ node: NodePorts) {
        switch self {
        case .fenceDoesNothing, .fenceComesLate, .fenceIsShort, .nodesDieEarly,
            .leaseExpiryIsTrusted, .watchersAreNotSeen, .everyoneIsShutOut, .lockOwnersAreNotSeen,
            .wrongClientIsShutOut, .fenceErrorsAreIgnored, .nodesNeverDie:
            applyToFence(&ports)
        case .fenceForgetsTheFirst, .guardsAreIgnored, .attachmentGuardIsIgnored, .epochIsKept, .epochIsForgotten,
            .recordGoesBeforeUnmap, .addressIsNotRecorded, .mountComesBeforeRecord, .unknownIsTakenForDone,
            .readsAreStale, .idsAreNotCounted, .doubtIsDenial, .lastDeleteIsUnguarded, .newClientIsNotRecorded,
            .undoForgetsItsClaim, .reattachForgetsClients, .deletesAreNotDone, .wishesAreLost, .readyComesFirst,
            .recordOfVolumeGoesFirst, .readsComeFromTheCopy, .wishesOutliveVolumes,
            .quotasAreNotGuarded, .readersForgetTheOthers:
            applyToStore(&ports)
        case .takeOversAreNotTold, .historyComesAfterwards: applyToHistory(&ports, node.store)
        case .failedCheckFormats, .imageIsOverwritten, .foreignUIDIsOurs, .formatIsSkipped, .trashIsPurged,
            .snapshotsAreNotSeen, .keptIsEmptiedEarly, .cephsClockIsNotAsked, .unmapLies, .unmapIsBelieved,
            .unmountLies,
            .devicesAreNotSeen, .deadMappingsAreNotSeen, .mapIgnoresTheID, .removalIgnoresTheID, .clientIsNotTold,
            .checkIsSkipped, .repairIsForgotten, .mountsAreNotSeen, .useIsNotSeen, .rootIsNotPrepared,
            .nothingIsUnsettled, .writersAreNotNoted, .filesystemsDoNotGrow, .growthIgnoresTheID,
            .limitsAreClaimed, .freezeIsClaimed, .frozenStaysFrozen, .heldIsMounted, .heldSnapshotsAreRemoved,
            .clonesKeepTheirUUID, .clonesAreMadeBlank, .snapshotsOfNowStay, .sharedIsMappedForWriting:
            applyToNode(&ports, node.process.cluster, node.identity.node)
        case .failedUnmountsStay, .recordIsTakenForMount, .removalIgnoresMounts, .removalTakesWhatWasJustMounted,
            .startAdoptsNothing, .justMountedIsGivenAway, .budgetsAreEndless, .unseenClientsAreForgotten,
            .silentOwnersAreLeft, .orphansStay, .recordsAreBelieved,
            .slotsAreForgotten, .dueSnapshotsAreNotTaken, .othersSnapshotsAreRemoved, .surplusStays,
            .tooManySnapshotsAreRemoved, .leftFrozenStays, .heldIsNotMountedAgain, .olderCountsAsFrozen,
            .forgottenWritersAreLeft, .removalIgnoresProtection, .growthIsForgotten, .grownImagesAreNotSeen,
            .fullVolumesStay, .autogrowIgnoresItsBound, .autogrowDoesNotPause, .valuesAreForgotten,
            .limitsComeAtMountsOnly, .requestsAreForgotten, .unfinishedCreatesAreNotCounted,
            .restoreIgnoresTheName, .removalIgnoresReaders:
            // Altered are its rules.
            break
        }
    }
}
