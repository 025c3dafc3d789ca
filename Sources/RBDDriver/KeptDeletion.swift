import VolumeCore

/// Deletes an image that the trash has kept, with all its snapshots. Whoever does so has claimed it: nobody restores it meanwhile.
/// Each step does nothing where it was done before.
struct KeptDeletion {
    let images: any ImageStore
    let snapshots: any SnapshotStore

    /// The claim may have come after a restore that was begun and ended since anybody looked: only what is in the trash now goes.
    /// - Parameter early: also before its time.
    /// - Throws: `VolumeError` with code `busy` while a clone needs one of its snapshots, or somebody has it open: it stays then.
    func delete(_ image: TrashedImage, early: Bool) async throws {
        guard try await images.trashed(in: image.place).contains(where: { $0.id == image.id && $0.uid == image.uid })
        else { return }
        do {
            let all = try await snapshots.snapshots(of: image.reference, id: image.id)
            // A clone of the old kind needs it. One of the new kind keeps the image alive by itself.
            if let needed = all.first(where: \.isProtected) {
                throw VolumeError(
                    .busy, "delete volume \(image.volume) from the trash",
                    why: "its snapshot \(needed.name) is protected, as for a clone", outcome: .refused)
            }
            for snapshot in all {
                if var mark = snapshot.mark, mark.isHeld {
                    mark.isHeld = false
                    try await snapshots.mark(snapshot.id, of: image.reference, id: image.id, mark)
                }
                try await snapshots.remove(snapshot.id, of: image.reference, id: image.id)
            }
        } catch let error as VolumeError where error.code == .notFound {
            // Its deletion has come so far that nothing can be read of it any more.
        }
        try await images.emptyTrash(image, early: early)
    }
}
