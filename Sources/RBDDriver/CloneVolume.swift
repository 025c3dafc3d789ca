import Logging
import VolumeCore

/// Makes a volume out of a snapshot of another one.
///
/// As with any new volume the image is made under the attempt's own name and gets the volume's name when it is whole. A clone of
/// what the other volume holds now takes a snapshot for itself alone, and removes it before the rename: from then on it is Ceph
/// that keeps the data for the clone.
extension VolumeDriver {
    /// What the clone is, recorded before anything of it is made.
    func become(_ clone: AskedClone, _ record: inout VolumeRecord, _ request: VolumeRequest) async throws {
        let what = "create volume \(record.name) out of \(clone.volume.given)"
        let (parent, imageID) = try CloneRule.parent(try await read(clone.volume), for: record.name)
        let found = try await imageToClone(parent, imageID, what)
        var snapshot: VolumeSnapshot?
        if let name = clone.snapshot {
            snapshot = try await ports.snapshots.snapshots(of: parent.image, id: imageID)
                .named(name.text, of: parent.name.given, what)
        }
        let size = snapshot?.size ?? found.size
        record.spec = try CloneRule.spec(request, of: parent.spec, size: size)
        record.origin = .cloned(
            CloneOrigin(
                volume: parent.name, pool: parent.spec.pool, namespace: parent.spec.namespace, uid: parent.uid,
                imageID: imageID, snapshot: try clone.snapshot ?? CloneRule.snapshotOfNow(for: record.uid),
                snapshotID: snapshot?.id, size: CloneRule.certainSize(of: parent, snapshot: size),
                depth: (parent.clonedFrom?.depth ?? 0) + 1))
    }

    private func imageToClone(
        _ parent: VolumeRecord, _ imageID: String, _ what: String
    ) async throws -> ImageDescription {
        guard let found = try await inspect(parent.image), found.id == imageID, found.uid == parent.uid else {
            throw VolumeError.namesake(what, of: parent)
        }
        guard found.rollingBackTo == nil else {
            throw VolumeError(
                .damaged, what, why: "a rollback of \(parent.name.given) has broken off half-way",
                remedy: "finish that with 'rbd-plugin snapshot rollback'", outcome: .refused)
        }
        return found
    }

    /// - Returns: librbd's id of the new image, which is whole.
    func makeClone(
        _ unfinished: ImageReference, of record: VolumeRecord, from origin: CloneOrigin
    ) async throws -> String {
        let snapshot =
            if let number = origin.snapshotID { number } else { try await takeSnapshotOfNow(for: record, origin) }
        let parent = ParentSnapshot(
            image: origin.image, imageID: origin.imageID, id: snapshot, name: origin.snapshot.text)
        let id = try await ports.formatter.createClone(
            unfinished, of: parent, spec: record.spec, uid: record.uid)
        try await removeSnapshotOfNow(for: record)
        return id
    }

    /// - Returns: Ceph's number of it.
    private func takeSnapshotOfNow(for record: VolumeRecord, _ origin: CloneOrigin) async throws -> UInt64 {
        let taken = try await ports.snapshots.take(
            origin.snapshot, of: origin.image, id: origin.imageID, mark: CloneRule.mark(for: record))
        guard taken.snapshot.size <= record.spec.size else {
            throw VolumeError(
                .conflict, "create volume \(record.name)",
                why: "volume \(origin.volume.given) has grown to \(taken.snapshot.size) meanwhile", remedy: "try again")
        }
        return taken.id
    }

    /// Removes the snapshot that was taken for this clone alone; succeeds when there is none.
    func removeSnapshotOfNow(for record: VolumeRecord) async throws {
        guard let origin = record.clonedFrom, origin.isOfNow else { return }
        let all: [VolumeSnapshot]
        do {
            all = try await ports.snapshots.snapshots(of: origin.image, id: origin.imageID)
        } catch let error as VolumeError where error.code == .notFound {
            // With its image.
            return
        }
        for snapshot in all where CloneRule.isOfNow(snapshot, for: record) {
            try await ports.snapshots.remove(snapshot.id, of: origin.image, id: origin.imageID)
        }
    }
}
