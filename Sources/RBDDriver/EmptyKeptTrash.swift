import Logging
import VolumeCore

/// What the trash keeps goes when its time is up.
///
/// How long that is the image itself says, by its name and by Ceph's note of it, so no record can be lost or forged over it. The clock of
/// this node has to say that the time is up, and then Ceph's clock as well: one that is wrong deletes nothing. Only then a claim in
/// etcd decides between this and somebody who restores it.
extension VolumeDriver {
    /// How long a claim stands before others look whether it has been left half-way.
    private static let claimAge = Duration.seconds(600)

    /// - Throws: `VolumeError` with code `busy` while something of it is in use.
    func emptyKept(_ image: TrashedImage) async throws {
        let stored = try await ports.store.read(image.volume)
        switch rules.emptyTrash(image, stored) {
        case .leave: return
        case .claim:
            guard ports.catalog.compactMap({ $0.volume?.record.uid == image.uid ? $0.name : nil }).isEmpty,
                try await isDueByCeph(image)
            else { return }
            let claim = TrashClaim(
                .emptying, image, token: ports.tokens.token(), by: me.node, since: ports.clock.wallTime())
            guard try await commit(TrashClaims.change(claim, of: image.uid, in: stored), over: stored) != nil else {
                return
            }
        case .carryOn: break
        }
        let deletion = KeptDeletion(images: ports.images, snapshots: ports.snapshots)
        try await despiteFormerSelves { try await deletion.delete(image, early: false) }
        log.info(
            "deleted a removed volume that the trash kept",
            metadata: ["volume": "\(image.volume)", "pool": "\(image.place.pool)", "image-id": "\(image.id)"])
        try await dropClaim(of: image.uid, on: image.volume)
    }

    /// What time it is by Ceph's own clock a snapshot of the image tells: that is how Ceph notes when it took one.
    private func isDueByCeph(_ image: TrashedImage) async throws -> Bool {
        guard !memory.isPutOff(image.id, now: ports.clock.now()) else { return false }
        let mark = SnapshotMark(consistency: .crash, by: me.node, token: TrashSnapshot.token)
        let taken = try await ports.snapshots.take(
            TrashSnapshot.name, of: image.reference, id: image.id, mark: mark, evenIfChanging: true)
        if rules.trashIsDue(image, taken.snapshot.takenAt) { return true }
        try await ports.snapshots.remove(taken.id, of: image.reference, id: image.id)
        memory.putOff(image.id, until: ports.clock.now() + .seconds(600))
        log.warning(
            "by this node's clock a removed volume has been in the trash for long enough, by Ceph's clock it has not; it stays",
            metadata: [
                "volume": "\(image.volume)", "kept-until": "\(image.keptUntil?.description ?? "")",
                "remedy": "check the clock of this node",
            ])
        return false
    }

    private func dropClaim(of uid: String, on name: VolumeName) async throws {
        let stored = try await read(name)
        guard stored.trash?.record.claims[uid] != nil else { return }
        _ = try await commit(TrashClaims.change(nil, of: uid, in: stored), over: stored)
    }

    /// Ends what commands and plugins that were killed have left half-way.
    func sweepClaims() async {
        for stored in ports.catalog.claimed() {
            for (uid, claim) in stored.trash?.record.claims ?? [:] {
                let age = ports.clock.wallTime() - claim.since
                guard abs(age.components.seconds) >= Self.claimAge.components.seconds else { continue }
                await attempt("finish what was begun with a removed volume", stored.name) {
                    try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
                        try await sweep(claim, of: uid, on: stored.name)
                    }
                }
            }
        }
    }

    private func sweep(_ claim: TrashClaim, of uid: String, on name: VolumeName) async throws {
        switch claim.purpose {
        case .emptying:
            // What is there still goes in its time.
            guard try await ports.images.inspect(id: claim.imageID, in: claim.place) == nil else { return }
            try await dropClaim(of: uid, on: name)
        case .restoring: try await trashActions.complete(claim, of: uid, on: name)
        }
    }

    var trashActions: TrashActions {
        TrashActions(
            store: ports.store, policies: ports.policyStore, images: ports.images, snapshots: ports.snapshots,
            clock: ports.clock, tokens: ports.tokens, rules: rules, me: me.node, home: ports.home)
    }
}

/// The snapshot by which Ceph's clock is asked.
enum TrashSnapshot {
    static let token = "trash-clock"
    // The name is a valid one.
    static let name: SnapshotName = {
        guard let name = try? SnapshotName("rbd-plugin.trash-clock") else { preconditionFailure("a name of letters") }
        return name
    }()
}
