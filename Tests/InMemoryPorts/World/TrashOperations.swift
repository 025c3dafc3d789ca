import VolumeCore

/// What librbd does with its trash.
extension World {
    /// The first half: the image has its new name.
    mutating func withdraw(_ reference: ImageReference, id: String?, to removed: String) throws {
        let target = reference.named(removed)
        guard ceph.images[target] == nil, let id, ceph.trash[id] == nil else { return }
        guard let image = ceph.images[reference] else { return }
        guard image.id == id else {
            throw VolumeError(
                .foreignImage, "put image \(reference) into the trash", why: "its id is \(image.id), not \(id)",
                outcome: .refused)
        }
        ceph.images[reference] = nil
        ceph.images[target] = image
    }

    /// The second half. It takes the image from under those who watch it.
    mutating func moveToTrash(_ reference: ImageReference, protectedUntil: WallTime? = nil) {
        guard let image = ceph.images.removeValue(forKey: reference) else { return }
        ceph.trash[image.id] = TrashedEntry(reference: reference, image: image, protectedUntil: protectedUntil)
    }

    /// By Ceph's own clock.
    public var cephTime: WallTime { WallTime(seconds: 1_767_225_600) + now }

    mutating func keep(_ volume: KeptVolume, inImage id: String, of reference: ImageReference) throws {
        try change(id, of: reference, to: "note what was the volume of") { $0.kept = volume }
    }

    func kept(_ image: TrashedImage) -> KeptImage? {
        guard let found = self.image(ofID: image.id, in: image.place)?.image else { return nil }
        return KeptImage(image: image, size: found.size, uid: found.uid, kept: found.kept)
    }

    mutating func restoreFromTrash(_ id: String, in place: TrashPlace, as name: String) throws {
        let what = "take image \(id) out of the trash as \(name)"
        let target = ImageReference(pool: place.pool, namespace: place.namespace, name: name)
        if ceph.images[target]?.id == id { return }
        guard let entry = ceph.trash[id], entry.reference.trash == place else {
            throw VolumeError(.notFound, what, why: "it is not in the trash", outcome: .refused)
        }
        guard ceph.images[target] == nil else {
            throw VolumeError(.alreadyExists, what, why: "the name is taken", outcome: .refused)
        }
        guard !entry.isBeingDeleted else {
            throw VolumeError(.busy, what, why: "it is being deleted", outcome: .refused)
        }
        ceph.trash[id] = nil
        ceph.images[target] = entry.image
    }

    var trashPlaces: [TrashPlace] {
        ceph.pools.flatMap { name, pool in
            [TrashPlace(pool: name)] + pool.namespaces.map { TrashPlace(pool: name, namespace: $0) }
        }.sorted()
    }

    func trashed(in place: TrashPlace) -> [TrashedImage] {
        ceph.trash.sorted { $0.key < $1.key }
            .filter { $0.value.reference.trash == place }
            .compactMap { id, entry in
                TrashedImage(
                    in: place, id: id, named: entry.reference.name, protectedUntil: entry.protectedUntil)
            }
    }

    /// The first half of emptying: the data goes.
    /// - Returns: whether there is anything left to do.
    mutating func trimTrashed(_ id: String, uid: String) throws -> Bool {
        guard let entry = ceph.trash[id] else { return false }
        let what = "delete image \(id) in the trash"
        guard entry.image.uid == uid else {
            throw VolumeError(.foreignImage, what, why: "it bears another uid", outcome: .refused)
        }
        guard !hasSnapshots(entry.image) else {
            throw VolumeError(.busy, what, why: "it has snapshots", outcome: .refused)
        }
        guard watchers(ofImage: id).isEmpty else {
            throw VolumeError(.busy, what, why: "it has watchers", outcome: .refused)
        }
        ceph.trash[id]?.image.content = .unreadable
        ceph.trash[id]?.isBeingDeleted = true
        return true
    }

    /// The second half.
    mutating func dropTrashed(_ id: String, uid: String) throws {
        guard try trimTrashed(id, uid: uid) else { return }
        ceph.trash[id] = nil
        ceph.orphanedWatches[id] = nil
    }

    /// `rbd snap purge` by hand, wherever the image is.
    public mutating func removeSnapshots(ofImage id: String) {
        let image = ceph.trash[id]?.image ?? ceph.reference(ofImage: id).flatMap { ceph.images[$0] }
        ceph.trash[id]?.image.snapshots = []
        if let reference = ceph.reference(ofImage: id) { ceph.images[reference]?.snapshots = [] }
        for snapshot in image?.snapshots ?? [] { keep(snapshot.id, ofImage: id) }
    }

    public mutating func removeAllSnapshots() {
        for id in ceph.images.values.map(\.id) + ceph.trash.keys { removeSnapshots(ofImage: id) }
    }

    /// People remove what they have taken, and let go of what they hold, wherever that is: what was taken by schedule stays.
    /// - Parameter kept: the ids of images that keep all of theirs.
    public mutating func removeOthersSnapshots(besides kept: [String] = []) {
        for (reference, image) in ceph.images where !kept.contains(image.id) {
            ceph.images[reference]?.letGoOfSnapshots()
            for snapshot in image.snapshots where ceph.images[reference]?.has(snapshot) == false {
                keep(snapshot.id, ofImage: image.id)
            }
        }
        for (id, entry) in ceph.trash where !kept.contains(id) {
            ceph.trash[id]?.image.letGoOfSnapshots()
            for snapshot in entry.image.snapshots where ceph.trash[id]?.image.has(snapshot) == false {
                keep(snapshot.id, ofImage: id)
            }
        }
    }

    /// `rbd trash mv` by hand.
    public mutating func trashByHand(_ reference: ImageReference) { moveToTrash(reference) }

    /// A client that died has the image open, for as long as a watch lasts.
    public mutating func watchTrashed(_ id: String, on name: String) {
        guard let client = ClientAddress("10.0.9.1:0/\(name.utf8.count)") else { return }
        ceph.orphanedWatches[id, default: [:]][client] = now + ceph.watchTimeout
    }

    /// `rbd trash rm` by hand.
    public mutating func deleteByHand(_ id: String) { ceph.trash[id] = nil }
}
