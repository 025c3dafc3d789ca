import Logging
import Synchronization
import VolumeCore

/// Brings a volume back to one of its snapshots. No node has it meanwhile: the request stands in the way of every Mount.
///
/// look → note this client in the image → record that it begins → roll back → take the note away → record that it is done. As with
/// a mapping: whoever takes the request over from a node that seemed dead finds in the image who may still be writing to it, and
/// shuts that client out. A node that wakes up between two steps finds that the record is not its own any more.
extension VolumeDriver {
    /// How often the record is told how much is done.
    private static var telling: Duration { .seconds(2) }

    /// - Returns: what came of it, for people.
    func rollBack(
        _ taken: StoredVolume, _ request: WorkRequest, to snapshot: UInt64, _ snapshotName: String
    ) async throws -> String {
        guard let volume = taken.volume?.record, let id = volume.imageID else { throw RequestLost() }
        let name = taken.name
        let result: Void? = try await rollingBack.takeIfFree(taken.pool) {
            let client = try await begin(request, of: name, to: snapshot)
            log.step("rolling volume back", name, ["snapshot": "\(snapshotName)"])
            try await tellingProgress(of: request, name) { progress in
                try await ports.snapshots.rollBack(volume.image, id: id, to: snapshot, progress: progress)
            }
            try await finish(request, of: name, client)
        }
        // Others are at it: the next round tries again.
        guard result != nil else { throw RequestLost() }
        return "it is what it was when snapshot \(snapshotName) was taken"
    }

    /// - Returns: the client that is noted in the image.
    private func begin(
        _ request: WorkRequest, of name: VolumeName, to snapshot: UInt64
    ) async throws -> ClientAddress {
        try await operation("roll back", name) {
            let stored = try await read(name)
            guard heldForMe(request, in: stored) != nil, let volume = stored.volume?.record else { throw RequestLost() }
            return try await inSlot(of: stored.pool, to: "roll back volume \(name)") {
                let client = try await ports.snapshots.client()
                let image = try await lookBeforeRollBack(of: volume, to: snapshot)
                // Whoever was noted before the look had the volume before this node, if the request is still this node's.
                guard heldForMe(request, in: try await read(name)) != nil else { throw RequestLost() }
                try await shutOutForgottenWriters(image, of: volume, besides: client)
                try await ports.images.noteWriter(client, in: volume.image, id: image.id)
                // Now whoever takes the request over finds the note.
                guard try await recordBeginning(of: request, name) else {
                    await forgetWriters([client], of: volume)
                    throw RequestLost()
                }
                return client
            }
        }
    }

    /// The request as it is now, if it is still this node's and nobody has the volume.
    private func heldForMe(_ request: WorkRequest, in stored: StoredVolume) -> WorkRequest? {
        stored.attachment == nil ? stillMine(request, in: stored) : nil
    }

    /// - Returns: `false` when the request is not this node's any more.
    private func recordBeginning(of request: WorkRequest, _ name: VolumeName) async throws -> Bool {
        let stored = try await read(name)
        guard var mine = heldForMe(request, in: stored) else { return false }
        mine.hasBegun = true
        return try await commit(.init(request: .put(mine)), over: stored) != nil
    }

    private func lookBeforeRollBack(
        of volume: VolumeRecord, to snapshot: UInt64
    ) async throws -> ImageDescription {
        let what = "roll back volume \(volume.name)"
        guard let image = try await inspect(volume.image), image.id == volume.imageID, image.uid == volume.uid else {
            throw VolumeError.namesake(what, of: volume)
        }
        let snapshots = try await ports.snapshots.snapshots(of: volume.image, id: image.id)
        guard snapshots.contains(where: { $0.id == snapshot }) else {
            throw VolumeError(.notFound, what, why: "somebody has removed the snapshot", outcome: .refused)
        }
        let strangers = try await strangers(to: volume.image, besides: [], seen: image.watchers)
        guard strangers.isEmpty else { throw VolumeError.imageInUse(what, volume.image, by: strangers) }
        return image
    }

    private func tellingProgress(
        of request: WorkRequest, _ name: VolumeName,
        _ body: @escaping @Sendable (@escaping @Sendable (Int) -> Void) async throws -> Void
    ) async throws {
        let latest = LatestProgress()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body { latest.percent.store($0, ordering: .relaxed) } }
            group.addTask {
                var told = 0
                while true {
                    try await ports.clock.sleep(for: Self.telling)
                    let percent = latest.percent.load(ordering: .relaxed)
                    if percent > told, await tell(percent, of: request, name) { told = percent }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// - Returns: whether the record says so now. It is for people only: a failure does no harm.
    private func tell(_ percent: Int, of request: WorkRequest, _ name: VolumeName) async -> Bool {
        let written: StoredVolume?? = try? await undoing {
            let stored = try await read(name)
            guard var mine = stillMine(request, in: stored) else { return nil }
            mine.progress = min(percent, 99)
            return try await commit(.init(request: .put(mine)), over: stored)
        }
        return written.flatMap(\.self) != nil
    }

    /// The note goes first: from then on this client writes no more. An image that was smaller when the snapshot was taken grows
    /// to the volume's size again when it is mounted, with its filesystem.
    private func finish(_ request: WorkRequest, of name: VolumeName, _ client: ClientAddress) async throws {
        try await operation("end the rollback of", name) {
            while true {
                let stored = try await read(name)
                guard let mine = stillMine(request, in: stored), let volume = stored.volume?.record,
                    let image = try await inspect(volume.image), image.id == volume.imageID
                else { throw RequestLost() }
                try await ports.images.forgetWriters([client], in: volume.image, id: image.id)
                var ready = mine
                ready.hasBegun = false
                var change = StoreChange(request: .put(ready))
                if let shrunk = GrowthRule.rolledBack(to: image.size, stored, at: ports.clock.wallTime()) {
                    change.volume = .put(shrunk.volume)
                    change.desired = .put(shrunk.desired)
                }
                if try await commit(change, over: stored) != nil { return }
            }
        }
    }
}

/// What the rollback has told last.
private final class LatestProgress: Sendable {
    let percent = Atomic<Int>(0)
}
