import VolumeCore

/// What people do with removed volumes that the trash keeps. Works without the plugin running on this node.
///
/// Ceph says what there is. etcd decides between several who would do something about the same: a claim comes first. A volume that
/// comes back is recorded as on its way into the trash until its image has its name: whoever is killed in between leaves what another
/// restore finishes, and what a removal takes back.
public struct TrashActions: Sendable {
    private let store: any VolumeStore
    private let policies: any PolicyStore
    private let images: any ImageStore
    private let snapshots: any SnapshotStore
    private let clock: any DriverClock
    private let tokens: any TokenSource
    private let rules: DriverRules
    /// The claims say that this one is at it: `operator@n1`.
    private let me: String
    private let home: @Sendable () -> String?

    public init(
        store: any VolumeStore, policies: any PolicyStore, images: any ImageStore, snapshots: any SnapshotStore,
        clock: any DriverClock, tokens: any TokenSource, rules: DriverRules = DriverRules(), me: String,
        home: @escaping @Sendable () -> String?
    ) {
        self.store = store
        self.policies = policies
        self.images = images
        self.snapshots = snapshots
        self.clock = clock
        self.tokens = tokens
        self.rules = rules
        self.me = me
        self.home = home
    }

    /// What the trash keeps of this installation, by name and time. What others have put into the trash is not looked at.
    /// - Parameter unseen: is told of places that cannot be looked at.
    public func list(_ unseen: (TrashPlace, any Error) -> Void = { _, _ in }) async throws -> [KeptImage] {
        var found: [KeptImage] = []
        for entry in try await entries(unseen) {
            guard let kept = try await images.kept(entry), kept.uid == entry.uid else { continue }
            found.append(kept)
        }
        return found.sorted { Self.order($0.image) < Self.order($1.image) }
    }

    private static func order(_ image: TrashedImage) -> (VolumeName, Int64, String) {
        (image.volume, image.keptUntil?.seconds ?? 0, image.id)
    }

    private func entries(_ unseen: (TrashPlace, any Error) -> Void) async throws -> [TrashedImage] {
        var places = Set(try await images.trashPlaces())
        places.formUnion(try await store.readAll().compactMap { $0.volume?.record.image.trash })
        var entries: [TrashedImage] = []
        let home = home()
        for place in places.sorted() {
            do {
                entries += try await images.trashed(in: place).filter {
                    $0.keptUntil != nil && VolumeUID.isOurs($0.uid, home: home)
                }
            } catch {
                unseen(place, error)
            }
        }
        return entries
    }

    /// What is being restored or deleted, by whoever it was.
    public func claims() async throws -> [(name: VolumeName, uid: String, claim: TrashClaim)] {
        try await store.readAll().flatMap { stored in
            (stored.trash?.record.claims ?? [:]).map { (stored.name, $0.key, $0.value) }
        }
    }

    /// - Parameter text: the id of the image, the uid of the volume, or the volume's name when the trash keeps one of that name only.
    /// - Throws: `VolumeError`: `notFound`; `conflict` for the name of several.
    public func find(_ text: String, to what: String) async throws -> KeptImage {
        let all = try await list()
        if let one = all.first(where: { $0.image.id == text || $0.image.uid == text }) { return one }
        let named = all.filter { $0.image.volume.text == text || $0.kept?.volume.name.given == text }
        guard let one = named.first else {
            throw VolumeError(
                .notFound, what, why: "the trash keeps nothing of that name, uid or id",
                remedy: "'rbd-plugin trash ls' shows what it keeps", outcome: .refused)
        }
        guard named.count == 1 else {
            throw VolumeError(
                .conflict, what, why: "the trash keeps \(named.count) volumes of that name",
                remedy: "give the id of one: \(named.map(\.image.id).joined(separator: ", "))", outcome: .refused)
        }
        return one
    }
}

// MARK: - Restoring

extension TrashActions {
    /// Makes a removed volume a volume again, with all that it was.
    /// - Parameters:
    ///   - text: as for `find`.
    ///   - newName: another name than it had.
    /// - Returns: the volume as it is recorded then.
    /// - Throws: `VolumeError`: `notFound`; `alreadyExists` when the name is taken; `conflict` when somebody else is at it; `noSpace`
    ///   when its policy has no room for it; `damaged` when the image does not say what the volume was.
    public func restore(_ text: String, as newName: String?) async throws -> VolumeRecord {
        let what = "restore volume \(text) from the trash"
        let found: KeptImage
        do {
            found = try await find(text, to: what)
        } catch let error as VolumeError where error.code == .notFound {
            guard let left = try await leftHalfWay(text, newName),
                let volume = try await complete(left.claim, of: left.uid, on: left.name)
            else { throw error }
            return volume
        }
        guard let kept = found.kept else {
            throw VolumeError(
                .damaged, what, why: "its image (id \(found.image.id)) does not say what the volume was",
                remedy: "'rbd trash restore' brings the image back, '-o adopt=own' makes it a volume", outcome: .refused
            )
        }
        let name = try newName.map { text throws(VolumeError) in try VolumeName(given: text) } ?? kept.volume.name
        if let policy = name.policy, policy != kept.volume.policy {
            throw VolumeError(
                .invalidOption, what, why: "the name says policy \(policy), and the volume follows another",
                remedy: "give a name without a slash", outcome: .refused)
        }
        return try await restore(found.image, kept, as: name)
    }

    /// What was begun and whose image is in the trash no more.
    private func leftHalfWay(
        _ text: String, _ newName: String?
    ) async throws -> (name: VolumeName, uid: String, claim: TrashClaim)? {
        try await claims().first { name, uid, claim in
            claim.purpose == .restoring && [uid, claim.imageID, name.text, name.given].contains(text)
                && (newName == nil || claim.name?.given == newName || claim.name?.text == newName)
        }
    }

    private func restore(
        _ image: TrashedImage, _ kept: KeptVolume, as name: VolumeName
    ) async throws -> VolumeRecord {
        let what = "restore volume \(name) from the trash"
        let end = clock.now() + .seconds(15)
        while clock.now() < end {
            let origin = try await store.read(image.volume)
            let target = name == image.volume ? origin : try await store.read(name)
            let step = try rules.restore(image, origin, target)
            let place = image.reference.named(name.text)
            let found = try await images.inspect(place)
            try rules.refuseTaken(place, found, image)
            let token = tokens.token()
            let claim = TrashClaim(
                .restoring, image, as: name, token: token, by: me, since: clock.wallTime())
            switch step {
            case .begin:
                guard try await begin(image, kept, claim, from: origin, over: target, what) else { continue }
            case .giveBack where found != nil:
                throw VolumeError(.conflict, what, why: "somebody else has restored it meanwhile", outcome: .refused)
            case .carryOn(var volume) where origin.name == target.name:
                // A removal that was cut off goes the other way from now on.
                volume.trash?.isReturning = true
                var change = TrashClaims.change(claim, of: image.uid, in: origin)
                change.volume = .put(volume)
                guard try await store.commit(change, over: origin) != nil else { continue }
            case .carryOn, .giveBack:
                // It says on whose behalf it goes on.
                let change = TrashClaims.change(claim, of: image.uid, in: origin)
                guard try await store.commit(change, over: origin) != nil else { continue }
            }
            guard let volume = try await complete(claim, of: image.uid, on: image.volume) else {
                throw VolumeError.changedMeanwhile(what)
            }
            return volume
        }
        throw VolumeError.changedMeanwhile(what)
    }

    /// Records that it comes back.
    /// - Returns: `false` when the records changed meanwhile: decide again.
    private func begin(
        _ image: TrashedImage, _ kept: KeptVolume, _ claim: TrashClaim, from origin: StoredVolume,
        over target: StoredVolume, _ what: String
    ) async throws -> Bool {
        let policy = try await policies.named(kept.volume.policy)
        let returning = kept.returning(as: target.name, hasPolicy: policy != nil)
        let quota = PolicyQuota(store: store, policies: policies, rules: rules)
        var change = TrashClaims.change(claim, of: image.uid, in: origin)
        if origin.name == target.name {
            change.volume = .put(returning)
            return try await quota.commit(
                change, over: target, counting: returning.spec.size, under: policy, what) != nil
        }
        // Two names cannot be written at once: the claim comes first, and is looked at again when the volume is recorded.
        guard let claimed = try await store.commit(change, over: origin) else { return false }
        do {
            let written = try await quota.commit(
                .init(volume: .put(returning)), over: target, counting: returning.spec.size, under: policy, what)
            let now = try await store.read(origin.name)
            if let written, now.trash?.record.claims[image.uid]?.token != claim.token {
                _ = try await store.commit(.init(volume: .delete), over: written)
                throw VolumeError.changedMeanwhile(what)
            }
            if written == nil { try await withdraw(claim, of: image.uid, over: claimed) }
            return written != nil
        } catch let error as VolumeError where error.outcome == .refused {
            try await withdraw(claim, of: image.uid, over: claimed)
            throw error
        }
    }

    private func withdraw(_ claim: TrashClaim, of uid: String, over claimed: StoredVolume) async throws {
        _ = try await store.commit(TrashClaims.change(nil, of: uid, in: claimed), over: claimed)
    }

    /// The image gets its name, and the volume is ready. Where the record has gone meanwhile, the image goes back to where it was.
    /// - Parameters:
    ///   - claim: what was begun, by this one or by somebody who did not come to the end.
    ///   - origin: the name that the volume had.
    /// - Returns: the volume; `nil` when it is none any more.
    /// - Throws: `VolumeError` with code `conflict` when somebody else has done it meanwhile.
    @discardableResult
    func complete(_ claim: TrashClaim, of uid: String, on origin: VolumeName) async throws -> VolumeRecord? {
        guard let name = claim.name, claim.purpose == .restoring else { return nil }
        let image = TrashedImage(in: claim.place, id: claim.imageID, of: origin, uid: uid)
        while true {
            let now = try await store.read(name)
            guard let volume = now.volume?.record, volume.uid == uid else {
                if try await stands(claim, of: uid, on: origin) {
                    try await putBack(image, as: name)
                    try await drop(claim, of: uid, on: origin)
                }
                return nil
            }
            do {
                try await images.restoreFromTrash(image, as: name.text)
            } catch let error as VolumeError where error.code == .notFound {
                guard try await isGone(image, besides: name) else { throw error }
                if volume.phase == .removing { _ = try await store.commit(.init(volume: .delete), over: now) }
                try await drop(claim, of: uid, on: origin)
                throw VolumeError.changedMeanwhile("restore volume \(name) from the trash")
            }
            await removeClockSnapshot(image)
            var ready = volume
            (ready.phase, ready.trash) = (.ready, nil)
            if ready == volume {
                guard try await stands(claim, of: uid, on: origin) else {
                    throw VolumeError.changedMeanwhile("restore volume \(name) from the trash")
                }
            } else if try await store.commit(.init(volume: .put(ready)), over: now) == nil {
                continue
            }
            try await drop(claim, of: uid, on: origin)
            return ready
        }
    }

    /// Nobody has the volume on record, and its image bears the name: whoever removed it was faster than the image.
    private func putBack(_ image: TrashedImage, as name: VolumeName) async throws {
        let place = image.reference.named(name.text)
        guard try await images.inspect(place)?.id == image.id, let kept = try await images.kept(image)?.kept else {
            return
        }
        let until = kept.term.until
        try await images.moveToTrash(
            place, id: image.id, as: kept.volume.keptImage(until: until).name, keepingUntil: until)
    }

    /// Whether somebody has restored it under another name or deleted it, since it was found in the trash.
    private func isGone(_ image: TrashedImage, besides name: VolumeName) async throws -> Bool {
        if try await images.inspect(id: image.id, in: image.place) == nil { return true }
        return try await store.readAll().contains { $0.name != name && $0.volume?.record.uid == image.uid }
    }

    /// That by which the emptying has asked what time it is.
    private func removeClockSnapshot(_ image: TrashedImage) async {
        guard let all = try? await snapshots.snapshots(of: image.reference, id: image.id) else { return }
        for snapshot in all where snapshot.mark?.token == TrashSnapshot.token {
            try? await snapshots.remove(snapshot.id, of: image.reference, id: image.id)
        }
    }

    private func stands(_ claim: TrashClaim, of uid: String, on name: VolumeName) async throws -> Bool {
        try await store.read(name).trash?.record.claims[uid]?.token == claim.token
    }

    private func drop(_ claim: TrashClaim, of uid: String, on name: VolumeName) async throws {
        while true {
            let now = try await store.read(name)
            guard now.trash?.record.claims[uid]?.token == claim.token else { return }
            if try await store.commit(TrashClaims.change(nil, of: uid, in: now), over: now) != nil { return }
        }
    }
}

// MARK: - Deleting

extension TrashActions {
    /// Deletes a removed volume that the trash keeps, before its time. It cannot be restored from then on.
    /// - Throws: `VolumeError`: `conflict` when somebody restores it; `busy` while something of it is in use.
    public func remove(_ found: KeptImage) async throws {
        let image = found.image
        let what = "delete volume \(image.volume) from the trash"
        let claim = TrashClaim(.emptying, image, token: tokens.token(), by: me, since: clock.wallTime())
        let stored = try await store.read(image.volume)
        if case .leave = rules.emptyTrash(image, stored) {
            throw VolumeError(
                .conflict, what, why: "somebody restores it, or it has been restored",
                remedy: "look at 'rbd-plugin trash ls'", outcome: .refused)
        }
        guard try await store.commit(TrashClaims.change(claim, of: image.uid, in: stored), over: stored) != nil else {
            throw VolumeError.changedMeanwhile(what)
        }
        do {
            try await KeptDeletion(images: images, snapshots: snapshots).delete(image, early: true)
        } catch let error as VolumeError where error.outcome == .refused {
            try await drop(claim, of: image.uid, on: image.volume)
            throw error
        }
        try await drop(claim, of: image.uid, on: image.volume)
    }
}
