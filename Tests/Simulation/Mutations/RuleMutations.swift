import RBDDriver
import VolumeCore

extension Mutation {
    /// The decisions of the driver, with the one that the mutation alters.
    var rules: DriverRules {
        var rules = DriverRules()
        switch self {
        case .failedUnmountsStay: rules.replacesFailedUnmounts = false
        case .recordIsTakenForMount:
            rules.mount = { stored, me, _, ownerIsAlive throws(VolumeError) in
                try MountRule.decide(stored, me: me, mountedHere: true, ownerIsAlive: ownerIsAlive)
            }
        case .removalIgnoresMounts:
            rules.remove = { stored, me, attemptIsAlive, justMounted, choice throws(VolumeError) in
                var idle = stored
                if idle.attachment?.record.owner != me { idle.attachment = nil }
                return try RemoveRule.decide(
                    idle, me: me, attemptIsAlive: attemptIsAlive, justMounted: justMounted, choice: choice)
            }
        case .removalIgnoresReaders: rules.readersInTheWay = { _, _, _ in [] }
        case .removalIgnoresProtection:
            rules.remove = { stored, me, attemptIsAlive, justMounted, choice throws(VolumeError) in
                var free = stored
                free.volume?.record.isProtected = false
                return try RemoveRule.decide(
                    free, me: me, attemptIsAlive: attemptIsAlive, justMounted: justMounted, choice: choice)
            }
        case .removalTakesWhatWasJustMounted:
            rules.remove = { stored, me, attemptIsAlive, _, choice throws(VolumeError) in
                try RemoveRule.decide(
                    stored, me: me, attemptIsAlive: attemptIsAlive, justMounted: false, choice: choice)
            }
        case .startAdoptsNothing:
            rules.recover = { attachment, me, mountedHere in
                let step = RecoveryRule.decide(attachment, me: me, mountedHere: mountedHere)
                return step == .adopt ? .detach : step
            }
        case .justMountedIsGivenAway:
            rules.reconcile = { attachment, me, _ in ReconcileRule.decide(attachment, me: me, justMounted: false) }
        case .unseenClientsAreForgotten: rules.unaccounted = { _, _ in [] }
        case .silentOwnersAreLeft: rules.silent = { _, _ in [] }
        case .forgottenWritersAreLeft: rules.forgotten = { _, _ in [] }
        case .recordsAreBelieved: rules.standing = { _, _, _, _ in .mayWrite }
        case .growthIsForgotten: rules.growth = { _ in nil }
        case .grownImagesAreNotSeen: rules.following = { _, _, _ in nil }
        case .valuesAreForgotten: rules.wantedValues = { _, _ in RuntimeSettings() }
        case .limitsComeAtMountsOnly: rules.valuesNeedCare = { _, _ in false }
        case .requestsAreForgotten: rules.request = { _, _, _, _ in .nothing }
        case .heldIsMounted:
            rules.mount = { stored, me, mountedHere, ownerIsAlive throws(VolumeError) in
                var free = stored
                free.request = nil
                return try MountRule.decide(free, me: me, mountedHere: mountedHere, ownerIsAlive: ownerIsAlive)
            }
        case .unfinishedCreatesAreNotCounted:
            rules.counted = { $0.volume?.record.phase == .creating ? nil : QuotaRule.counted($0) }
        case .slotsAreForgotten:
            rules.dueSnapshot = { now, progress, schedule, uid in
                let last = progress.flatMap(\.last).map { ScheduleProgress().passing($0, schedule) }
                return ScheduleRule.due(now: now, last ?? progress, schedule, uid: uid)
            }
        case .dueSnapshotsAreNotTaken: rules.dueSnapshot = { _, _, _, _ in .nothing }
        case .tooManySnapshotsAreRemoved:
            rules.surplus = { snapshots, keep in KeepRule.remove(snapshots, .newest(keep.count - 1)) }
        case .leftFrozenStays: rules.mayBeFrozen = { _ in false }
        case .heldIsNotMountedAgain: rules.mountsAgain = { _, _, _, _ in false }
        case .olderCountsAsFrozen: rules.isOfFrozen = { _ in true }
        case .surplusStays: rules.surplus = { _, _ in [] }
        case .heldSnapshotsAreRemoved:
            rules.surplus = { snapshots, keep in
                KeepRule.remove(
                    snapshots.map { snapshot in
                        var free = snapshot
                        free.mark?.isHeld = false
                        return free
                    }, keep)
            }
        case .othersSnapshotsAreRemoved:
            rules.surplus = { snapshots, keep in
                KeepRule.remove(
                    snapshots.map { snapshot in
                        var own = snapshot
                        own.mark = .scheduled(
                            snapshot.mark?.slot ?? snapshot.takenAt, consistency: .crash, by: "a")
                        own.mark?.isHeld = snapshot.mark?.isHeld ?? false
                        return own
                    }, keep)
            }
        case .keptIsEmptiedEarly: rules.trashIsDue = { _, _ in true }
        case .restoreIgnoresTheName:
            rules.restore = { _, _, _ throws(VolumeError) in .begin }
            rules.refuseTaken = { _, _, _ throws(VolumeError) in }
        case .fullVolumesStay: rules.autogrow = { _, _, _, _ in .nothing }
        case .autogrowIgnoresItsBound:
            rules.autogrow = { usage, autogrow, size, since in
                let unbounded = Autogrow(at: autogrow.at, by: autogrow.by, max: .maximum)
                return AutogrowRule.decide(usage, unbounded, size: size, sinceGrowth: since)
            }
        case .autogrowDoesNotPause:
            rules.autogrow = { usage, autogrow, size, _ in
                AutogrowRule.decide(usage, autogrow, size: size, sinceGrowth: nil)
            }
        case .orphansStay: rules.isOrphan = { _, _, _, _ in false }
        default: break
        }
        return rules
    }

    /// The settings of the driver, with the one that the mutation alters.
    func alter(_ settings: inout DriverSettings) {
        if self == .budgetsAreEndless { settings.workBudget *= 100 }
    }
}
