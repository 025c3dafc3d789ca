import VolumeCore

/// What Ceph does about clones of the newer kind.
extension World {
    /// The first half: from here on the image exists, and bears its parent's uid, as librbd copies all metadata.
    mutating func cloneImage(_ snapshot: ParentSnapshot, as reference: ImageReference, spec: VolumeSpec) throws
        -> String
    {
        let what = "make image \(reference) out of \(snapshot.image)@\(snapshot.name)"
        guard let parent = ceph.images[snapshot.image], parent.id == snapshot.imageID,
            let taken = parent.snapshots.first(where: { $0.id == snapshot.id && $0.name == snapshot.name })
        else {
            throw VolumeError(.notFound, what, why: "there is no such snapshot", outcome: .refused)
        }
        let id = try createImage(reference, spec: spec)
        ceph.images[reference]?.size = taken.size
        ceph.images[reference]?.content = taken.content
        ceph.images[reference]?.uid = parent.uid
        ceph.images[reference]?.parent = snapshot.id
        ceph.images[reference]?.parentImage = parent.id
        return id
    }

    func clones(ofImage id: String, at reference: ImageReference, madeOf snapshot: UInt64?) throws -> [String] {
        guard let image = image(ofID: id, in: reference.trash)?.image else {
            throw VolumeError(.notFound, "list the clones of image \(reference)", why: "there is no such image")
        }
        let there = Set(image.snapshots.map(\.id))
        if let snapshot, !there.contains(snapshot) {
            throw VolumeError(.notFound, "list the clones of image \(reference)", why: "there is no such snapshot")
        }
        let parents = snapshot.map { [$0] } ?? image.keptSnapshots.union(there)
        func isClone(_ image: SimulatedImage) -> Bool { image.parent.map(parents.contains) ?? false }
        return ceph.images.filter { isClone($0.value) }.map { "\($0.key)" }.sorted()
            + ceph.trash.values.filter { isClone($0.image) }.map { "\($0.reference) (in the trash)" }.sorted()
    }

    /// Whether a clone needs the snapshot.
    private func isNeeded(_ snapshot: UInt64) -> Bool {
        ceph.images.values.contains { $0.parent == snapshot }
            || ceph.trash.values.contains { $0.image.parent == snapshot }
    }

    /// A snapshot that was removed stays out of sight for as long as a clone needs it.
    mutating func keep(_ snapshot: UInt64, ofImage id: String) {
        guard isNeeded(snapshot) else { return }
        ceph.trash[id]?.image.keptSnapshots.insert(snapshot)
        if let reference = ceph.reference(ofImage: id) { ceph.images[reference]?.keptSnapshots.insert(snapshot) }
    }

    /// The names by which an image that a clone needs shows that.
    func keptNames(of image: SimulatedImage) -> [String] {
        image.keptSnapshots.filter(isNeeded).sorted().map { "\($0) (kept by Ceph, as for a clone)" }
    }

    /// Whether the image must stay for its snapshots.
    func hasSnapshots(_ image: SimulatedImage) -> Bool {
        !image.snapshots.isEmpty || !keptNames(of: image).isEmpty
    }
}
