import VolumeCore

extension BackupActions {
    /// Applies what a backup has to an image. Opens the image, calls `claim` before it changes anything, and `finish` when all is on
    /// disk; keeps the image open meanwhile. If it fails, it brings the image back, or leaves it as one that is being rolled back.
    public typealias Updating = (
        _ image: ImageReference, _ id: String, _ from: VolumeSnapshot, _ isHalfDone: Bool,
        _ claim: () async throws -> Void, _ finish: () async throws -> Void
    ) async throws -> Void

    /// Brings a volume that nobody has mounted from one snapshot to the next.
    ///
    /// look → open the image → make sure that the records are as before → note this client in the image → change it → snapshot. A
    /// Mount that begins before the second look shows in the records; one that begins after it finds the image open. Whoever was
    /// noted in the image before is shut out: an import that was paused must not write when it wakes up. The same befalls this one
    /// when it does not come to its end: whoever has the volume next finds the note.
    /// - Parameters:
    ///   - from: the name of the snapshot that the backup is on top of.
    ///   - to: the name of the one that it leads to.
    public func update(
        _ nameText: String, from fromText: String, to toText: String?, by apply: Updating
    ) async throws {
        let what = "import volume \(nameText)"
        let stored = try await store.read(try VolumeName(given: nameText))
        let (volume, id) = try stored.readyVolume(to: what, remedy: "import a whole backup first")
        try SharedVolumeRule.refuseWriting(volume, what)
        try Self.refuseMounted(stored, what)
        try RequestRule.refuseWhileHeld(stored, what)
        let image = try await self.image(of: volume, what)
        let all = try await snapshots.snapshots(of: volume.image, id: id)
        let from = try all.named(fromText, of: nameText, what)
        let to = try toText.map { try Self.free($0, in: all, what) }
        let isHalfDone = try Self.isHalfDone(image, from, what)
        let client = try await snapshots.client()
        func claim() async throws {
            // Nothing changes by it but the revision: it tells whether anything else has changed.
            guard try await store.commit(.init(volume: .put(volume)), over: stored) != nil else {
                throw VolumeError.changedMeanwhile(what)
            }
            let former = image.writers.filter { $0 != client }
            for writer in former { try await fence.blocklist(writer, for: blocklistExpiry) }
            try await images.forgetWriters(former, in: volume.image, id: id)
            try await images.noteWriter(client, in: volume.image, id: id)
        }
        func finish() async throws {
            guard let to else { return }
            let mark = SnapshotMark(consistency: .crash, by: "operator@\(me.node)", token: tokens.token())
            // All of it is on disk; that the image says otherwise ends only then.
            _ = try await snapshots.take(to, of: volume.image, id: id, mark: mark, evenIfChanging: true)
        }
        do {
            try await apply(volume.image, id, from, isHalfDone, claim, finish)
        } catch let error as VolumeError where error.outcome == .unknown {
            throw error
        } catch {
            try? await images.forgetWriters([client], in: volume.image, id: id)
            throw error
        }
        // What stays is shut out by whoever has the volume next: this client is gone then.
        try? await images.forgetWriters([client], in: volume.image, id: id)
    }

    private static func refuseMounted(_ stored: StoredVolume, _ what: String) throws {
        guard let attachment = stored.attachment?.record else { return }
        throw VolumeError.mountedOnNode(what, attachment, remedy: "stop what uses it first")
    }

    /// The volume's own image, which nobody has open.
    private func image(of volume: VolumeRecord, _ what: String) async throws -> ImageDescription {
        guard let image = try await images.inspect(volume.image), image.id == volume.imageID, image.uid == volume.uid
        else { throw VolumeError.namesake(what, of: volume) }
        guard image.watchers.isEmpty else {
            throw VolumeError.inUse(what, "its image is in use", by: image.watchers, remedy: "unmap it there first")
        }
        return image
    }

    private static func free(_ text: String, in all: [VolumeSnapshot], _ what: String) throws -> SnapshotName {
        let name = try SnapshotName(text)
        guard !all.contains(where: { $0.name == text }) else {
            throw VolumeError(
                .alreadyExists, what, why: "the volume has the snapshot \(text) already",
                remedy: "if this backup was applied before, go on with the next one", outcome: .refused)
        }
        try SnapshotKeep.checkRoom(beside: all.count, what)
        return name
    }

    /// Whether an earlier import on top of that snapshot has broken off.
    private static func isHalfDone(
        _ image: ImageDescription, _ from: VolumeSnapshot, _ what: String
    ) throws -> Bool {
        guard let other = image.rollingBackTo else { return false }
        guard other == from.id else {
            throw VolumeError(
                .damaged, what, why: "a rollback of its image has broken off",
                remedy: "roll it back to a snapshot with 'rbd-plugin snapshot rollback'", outcome: .refused)
        }
        return true
    }
}
