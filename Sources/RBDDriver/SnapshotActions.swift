import VolumeCore

/// What an operator does with the snapshots of volumes. Works without the plugin running on this node.
public struct SnapshotActions: Sendable {
    private let store: any VolumeStore
    private let snapshots: any SnapshotStore
    private let requests: RequestActions
    private let clock: any DriverClock
    private let tokens: any TokenSource
    /// The marks say that this one had the snapshot taken: `operator@n1`.
    private let me: String

    public init(
        store: any VolumeStore, snapshots: any SnapshotStore, requests: RequestActions, clock: any DriverClock,
        tokens: any TokenSource, me: String
    ) {
        self.store = store
        self.snapshots = snapshots
        self.requests = requests
        self.clock = clock
        self.tokens = tokens
        self.me = me
    }

    /// Takes a snapshot, also while a container on another node writes.
    ///
    /// The node that has the volume mounted is asked to freeze its filesystem for it. When that node does not do so in time, the
    /// snapshot is taken from here, and its content is as after a power cut.
    /// - Parameter isFrozen: whether the filesystem of a mounted volume is to be frozen.
    /// - Throws: `VolumeError`: `notFound`, `conflict` for a volume that is not ready, `alreadyExists`, `noSpace` for one with too
    ///   many snapshots.
    public func create(
        _ nameText: String, of volumeText: String, frozen isFrozen: Bool = true
    ) async throws -> VolumeSnapshot {
        let what = "take snapshot \(nameText) of volume \(volumeText)"
        let name = try SnapshotName(nameText)
        let volume = try await image(of: volumeText, what)
        try RequestRule.refuseWhileHeld(volume.stored, what)
        let all = try await snapshots.snapshots(of: volume.image, id: volume.id)
        try SnapshotKeep.checkRoom(beside: all.count, what)
        if all.contains(where: { $0.name == name.text }) {
            throw VolumeError.snapshotNameTaken(what)
        }
        if isFrozen, volume.stored.attachment != nil, let taken = try await askForFrozen(name, of: volume, what) {
            return taken
        }
        return try await takeFromHere(name, of: volumeText, what)
    }

    /// - Returns: `nil` when nobody has taken it: the volume is not mounted any more, or its node does not answer.
    private func askForFrozen(
        _ name: SnapshotName, of volume: SnapshotVolume, _ what: String
    ) async throws -> VolumeSnapshot? {
        let nameText = volume.stored.name.given
        let token = tokens.token()
        let request: WorkRequest
        do {
            request = try await requests.ask(.snapshot(name, token: token), of: nameText)
        } catch let error as VolumeError where error.code == .conflict {
            // It has been unmounted meanwhile, or its node is busy with another request.
            return nil
        }
        for _ in 1...Self.looks {
            let ended = try await requests.wait(for: request, of: nameText, limit: Self.patience)
            if let ended {
                if ended.state == .failed, try await image(of: nameText, what).stored.attachment == nil { return nil }
                guard ended.state == .done else {
                    throw VolumeError(.unavailable, what, why: ended.result ?? "its node could not", outcome: .refused)
                }
                let all = try await snapshots.snapshots(of: volume.image, id: volume.id)
                if let taken = all.first(where: { $0.mark?.token == token }) { return taken }
                throw VolumeError(.notFound, what, why: "somebody has removed it again")
            }
            if try await requests.withdraw(request, of: nameText) { return nil }
        }
        throw VolumeError(
            .timedOut, what, why: "the node that has the volume mounted has begun with it and come to no end",
            remedy: "if the node is alive it goes on; see 'rbd-plugin request get \(nameText)'", outcome: .unknown)
    }

    /// How long the node that has the volume may take before it is seen whether it has begun at all.
    private static var patience: Duration { .seconds(15) }
    /// How often that is seen.
    private static var looks: Int { 4 }

    private func takeFromHere(
        _ name: SnapshotName, of volumeText: String, _ what: String
    ) async throws -> VolumeSnapshot {
        let before = try await image(of: volumeText, what)
        try RequestRule.refuseWhileHeld(before.stored, what)
        let isMounted = before.stored.attachment != nil
        var taken = try await take(
            name, of: before, .init(consistency: isMounted ? .crash : .unmounted, by: me, token: tokens.token()))
        guard !isMounted, let mark = taken.mark else { return taken }
        // A node may have mounted it meanwhile.
        let after = try await store.read(before.stored.name)
        guard after.attachment != nil || after.volume?.record.epoch != before.stored.volume?.record.epoch else {
            return taken
        }
        var changed = mark
        changed.consistency = .crash
        try await snapshots.mark(taken.id, of: before.image, id: before.id, changed)
        taken.mark = changed
        return taken
    }

    /// A call that got no answer is repeated with the same token: it finds what the one before it has taken.
    private func take(
        _ name: SnapshotName, of volume: SnapshotVolume, _ mark: SnapshotMark
    ) async throws -> VolumeSnapshot {
        for _ in 1..<3 {
            do {
                return try await snapshots.take(name, of: volume.image, id: volume.id, mark: mark).snapshot
            } catch let error as VolumeError where error.outcome == .unknown {
                try await clock.sleep(for: .seconds(1))
            }
        }
        return try await snapshots.take(name, of: volume.image, id: volume.id, mark: mark).snapshot
    }

    /// The snapshots of a volume, oldest first.
    public func list(_ volumeText: String) async throws -> [VolumeSnapshot] {
        let volume = try await image(of: volumeText, "list the snapshots of volume \(volumeText)")
        return try await snapshots.snapshots(of: volume.image, id: volume.id)
    }

    /// Which clones need which of these snapshots of the volume, by the snapshots' numbers.
    public func clones(
        of volumeText: String, madeOf all: [VolumeSnapshot], in images: any ImageStore
    ) async throws -> [UInt64: [String]] {
        let volume = try await image(of: volumeText, "list the clones of volume \(volumeText)")
        // One question tells that there are none, as a rule.
        guard try await !images.clones(of: volume.image, id: volume.id, madeOf: nil).isEmpty else { return [:] }
        var clones: [UInt64: [String]] = [:]
        for snapshot in all {
            do {
                clones[snapshot.id] = try await images.clones(of: volume.image, id: volume.id, madeOf: snapshot.id)
            } catch let error as VolumeError where error.code == .notFound {
                // Somebody has removed it meanwhile.
            }
        }
        return clones
    }

    /// Removes a snapshot that the plugin has taken and nobody holds.
    public func remove(_ nameText: String, of volumeText: String) async throws {
        let what = "remove snapshot \(nameText) of volume \(volumeText)"
        let volume = try await image(of: volumeText, what)
        let (found, mark) = try await own(nameText, of: volume, what)
        try refuseIfNeeded(found, for: volume, what)
        guard !mark.isHeld else {
            throw VolumeError(
                .conflict, what, why: "it is held",
                remedy: "lift that with 'rbd-plugin snapshot unhold \(volumeText) \(nameText)'", outcome: .refused)
        }
        try await snapshots.remove(found.id, of: volume.image, id: volume.id)
    }

    /// Removes the snapshots that the plugin has taken by schedule and nobody holds.
    /// - Returns: how many those were.
    public func removeScheduled(of volumeText: String) async throws -> Int {
        let what = "remove the scheduled snapshots of volume \(volumeText)"
        let volume = try await image(of: volumeText, what)
        try RequestRule.refuseWhileHeld(volume.stored, what)
        let scheduled = try await snapshots.snapshots(of: volume.image, id: volume.id).filter(\.isScheduledAndFree)
        for snapshot in scheduled { try await snapshots.remove(snapshot.id, of: volume.image, id: volume.id) }
        return scheduled.count
    }

    /// Keeps a snapshot from being removed, or lifts that.
    public func hold(_ nameText: String, of volumeText: String, _ isHeld: Bool) async throws {
        let what = "\(isHeld ? "hold" : "let go of") snapshot \(nameText) of volume \(volumeText)"
        let volume = try await image(of: volumeText, what)
        var (found, mark) = try await own(nameText, of: volume, what)
        guard mark.isHeld != isHeld else { return }
        mark.isHeld = isHeld
        try await snapshots.mark(found.id, of: volume.image, id: volume.id, mark)
    }

    /// A rollback that is not done yet, or that has failed half-way, needs its snapshot.
    private func refuseIfNeeded(_ snapshot: VolumeSnapshot, for volume: SnapshotVolume, _ what: String) throws {
        guard let request = RequestRule.holding(volume.stored), case .rollBack(snapshot.id, _) = request.work else {
            return
        }
        try RequestRule.refuseWhileHeld(volume.stored, what)
    }

    /// The snapshot that a volume is to be rolled back to: also a person's.
    /// - Throws: `VolumeError` with code `notFound`.
    public func find(_ nameText: String, of volumeText: String) async throws -> VolumeSnapshot {
        let what = "find snapshot \(nameText) of volume \(volumeText)"
        return try await find(nameText, of: try await image(of: volumeText, what), what)
    }

    private func find(_ nameText: String, of volume: SnapshotVolume, _ what: String) async throws -> VolumeSnapshot {
        let all = try await snapshots.snapshots(of: volume.image, id: volume.id)
        guard let found = all.first(where: { $0.name == nameText }) else {
            throw VolumeError(
                .notFound, what, why: "there is no such snapshot",
                remedy: "see 'rbd-plugin snapshot ls \(volume.stored.name)'", outcome: .refused)
        }
        return found
    }

    private func own(
        _ nameText: String, of volume: SnapshotVolume, _ what: String
    ) async throws -> (snapshot: VolumeSnapshot, mark: SnapshotMark) {
        let found = try await find(nameText, of: volume, what)
        guard let mark = found.mark else {
            throw VolumeError(
                .foreignImage, what, why: "the plugin has not taken it",
                remedy: "if nobody needs it, 'rbd snap rm \(volume.image)@\(nameText)' removes it", outcome: .refused)
        }
        return (found, mark)
    }

    private func image(of nameText: String, _ what: String) async throws -> SnapshotVolume {
        let stored = try await store.read(try VolumeName(given: nameText))
        let (volume, id) = try stored.readyVolume(to: what)
        return SnapshotVolume(stored: stored, image: volume.image, id: id)
    }
}

/// A volume that is ready, with its image.
private struct SnapshotVolume: Sendable {
    let stored: StoredVolume
    let image: ImageReference
    let id: String
}
