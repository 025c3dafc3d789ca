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
        let snapshot = try await snapshotToClone(clone.snapshot, of: parent, imageID, what)
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

    /// - Returns: `nil` for the volume as it is now.
    private func snapshotToClone(
        _ name: SnapshotName?, of parent: VolumeRecord, _ imageID: String, _ what: String
    ) async throws -> VolumeSnapshot? {
        guard let name else { return nil }
        let all = try await ports.snapshots.snapshots(of: parent.image, id: imageID)
        if let found = all.first(where: { $0.name == name.text }) { return found }
        throw VolumeError(
            .notFound, what, why: "there is no snapshot \(name) of volume \(parent.name.given)",
            remedy: "see 'rbd-plugin snapshot ls \(parent.name.given)'", outcome: .refused)
    }

    /// - Returns: librbd's id of the new image, which is whole.
    func makeClone(
        _ unfinished: ImageReference, of record: VolumeRecord, from origin: CloneOrigin
    ) async throws -> String {
        var parent = ParentSnapshot(
            image: origin.image, imageID: origin.imageID, id: origin.snapshotID ?? 0, name: origin.snapshot.text,
            size: record.spec.size)
        if origin.isOfNow {
            let taken = try await ports.snapshots.take(
                origin.snapshot, of: origin.image, id: origin.imageID, mark: CloneRule.mark(for: record))
            (parent.id, parent.size) = (taken.id, taken.size)
            guard taken.size <= record.spec.size else {
                throw VolumeError(
                    .conflict, "create volume \(record.name)",
                    why: "volume \(origin.volume.given) has grown to \(taken.size) meanwhile", remedy: "try again")
            }
        }
        let id = try await ports.formatter.createClone(
            unfinished, of: parent, spec: record.spec, uid: record.uid)
        try await removeSnapshotOfNow(for: record)
        return id
    }

    /// Takes the snapshot away that was taken for this clone alone; succeeds when there is none.
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
