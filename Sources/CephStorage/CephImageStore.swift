import VolumeCore

/// The port `ImageStore` on librbd.
public struct CephImageStore: ImageStore {
    /// The key in an image's metadata that holds the volume's uid. Not one of librbd's own (`conf_…`).
    public static let uidKey = "rbd-plugin.uid"

    let call: CephCalls

    /// How long one call may take now: no longer than the operation has left.
    package var callLimit: Duration { call.limit }

    public init(connection: CephConnection, clock: any DriverClock) {
        call = CephCalls(connection: connection, clock: clock)
    }

    public func preflight(_ spec: VolumeSpec) async throws {
        let pools = spec.dataPool.isEmpty ? [spec.pool] : [spec.pool, spec.dataPool]
        for pool in pools {
            let what = "use pool \(pool)"
            guard try await call(what, { try await call.connection.poolID(pool, timeout: $0) }) != nil else {
                throw VolumeError(
                    .notFound, what, why: "there is no such pool",
                    remedy: "create it ('ceph osd pool create \(pool)', 'rbd pool init \(pool)'), or name another",
                    outcome: .refused)
            }
        }
        try await checkNamespace(of: spec)
        try await checkDataPool(of: spec)
        try await checkCapacity(for: spec)
    }

    private func checkNamespace(of spec: VolumeSpec) async throws {
        let location = ImageLocation(pool: spec.pool, namespace: spec.namespace)
        let what = "use namespace \(location)"
        guard try await call(what, { try await call.connection.namespaceExists(location, timeout: $0) }) else {
            throw VolumeError(
                .notFound, what, why: "there is no such namespace",
                remedy: "create it with 'rbd namespace create \(location)'", outcome: .refused)
        }
    }

    /// An image is made in its own pool without a word of the data pool: what is not allowed there would show as an I/O
    /// error of the device later.
    private func checkDataPool(of spec: VolumeSpec) async throws {
        guard !spec.dataPool.isEmpty else { return }
        let location = ImageLocation(pool: spec.dataPool, namespace: spec.namespace)
        try await call("use data pool \(spec.dataPool)") {
            try await call.connection.checkAccess(to: location, timeout: $0)
        }
    }

    /// Images are thin: several may together be larger than the pool. One that is larger by itself never fits.
    private func checkCapacity(for spec: VolumeSpec) async throws {
        let pool = spec.dataPool.isEmpty ? spec.pool : spec.dataPool
        let what = "create an image of \(spec.size) in pool \(pool)"
        let usage = try await call(what) { try await call.connection.poolUsage(pool, timeout: $0) }
        guard let usage else { return try await checkRawCapacity(for: spec, what) }
        let capacity = VolumeSize(bytes: ((usage.stored + usage.maxAvailable) >> 20) << 20)
        if spec.size > capacity {
            throw Self.tooLarge(what, "the pool can hold \(capacity) at most")
        }
    }

    /// Without its manager's report on it the cluster knows no pool's share; then the whole cluster's size is the limit.
    private func checkRawCapacity(for spec: VolumeSpec, _ what: String) async throws {
        let total = try await call(what) { try await call.connection.clusterUsage(timeout: $0) }.total
        guard total > 0, spec.size.bytes > total else { return }
        throw Self.tooLarge(what, "the whole cluster has \(VolumeSize(bytes: (total >> 20) << 20))")
    }

    private static func tooLarge(_ what: String, _ why: String) -> VolumeError {
        VolumeError(
            .noSpace, what, why: why, remedy: "give a smaller size, or add OSDs", outcome: .refused)
    }

    /// Opening the image is what takes time: everything is asked of the same handle, the watchers last, since nothing else
    /// of it changes as fast.
    public func inspect(_ image: ImageReference) async throws -> ImageDescription? {
        try await inspect(.name(image.name), image)
    }

    public func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
        // Its name is not known here; errors are about the id.
        try await inspect(.id(id), ImageReference(pool: place.pool, namespace: place.namespace, name: "(id \(id))"))
    }

    private func inspect(_ key: ImageKey, _ image: ImageReference) async throws -> ImageDescription? {
        do {
            return try await call("look at image \(image)") { limit in
                try await call.images(image).withKeptImage(key, timeout: limit, id: \.id) { opened in
                    let stat = try await opened.stat(timeout: limit)
                    let metadata = try await opened.metadata(timeout: limit)
                    return ImageDescription(
                        id: stat.id, size: VolumeSize(bytes: stat.size), order: stat.order, features: stat.features,
                        striping: ImageStriping(unit: stat.stripeUnit, count: stat.stripeCount, order: stat.order),
                        uid: metadata[Self.uidKey],
                        watchers: try await others(watching: opened, image, timeout: limit),
                        lockOwners: try await others(locking: opened, image, stat.features, timeout: limit),
                        writers: WriterNote.writers(in: metadata, ofImage: stat.id),
                        rollingBackTo: RollBackNote.snapshot(in: metadata, ofImage: stat.id),
                        snapshots: try await opened.snapshots(timeout: limit).compactMap(\.nameForPeople))
                }
            }
        } catch let error as VolumeError where error.code == .notFound {
            return nil
        }
    }

    public func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        try await create(image, spec: spec, uid: uid) { _ in }
    }

    /// Creates an image that bears `uid`, and hands it on to `body` while it is open: opening it once more would take as long
    /// as creating it.
    /// - Parameter isToBeRenamed: leaves it open for a moment for `rename`, which comes next.
    package func create(
        _ image: ImageReference, spec: VolumeSpec, uid: String, isToBeRenamed: Bool = false,
        _ body: (RBDImage) async throws -> Void
    ) async throws -> String {
        let layout = ImageLayout(spec)
        return try await call("create image \(image)") { limit in
            let images = call.images(image)
            // Who gave this attempt up does not come back to its name.
            try await images.create(
                image.name, size: spec.size.bytes, layout: layout, removedIfLate: true, timeout: limit)
            return try await images.withImage(.name(image.name), .readWrite, timeout: call.limit) { opened in
                let id = try await opened.stat(timeout: call.limit).id
                // In one request. librbd would notify everyone who has the image open and read it again, but nobody has.
                try await images.changeMetadata(ofImage: id, setting: [Self.uidKey: uid], timeout: call.limit)
                try await body(opened)
                return id
            } end: { opened, id in
                if isToBeRenamed, RBDImage.canBeRenamedOpen(spec.featuresOfImage) {
                    call.connection.finished.keep(.init(image: opened, name: image.name, id: id))
                } else {
                    try await opened.close(timeout: call.limit)
                }
            }
        }
    }

    /// The parent is opened by its name. That may be another image's by now, so the clone is asked what it is one of.
    public func clone(
        _ snapshot: ParentSnapshot, as image: ImageReference, spec: VolumeSpec, uid: String
    ) async throws -> String {
        let what = "make image \(image) out of \(snapshot.image)@\(snapshot.name)"
        return try await call(what) { limit in
            let images = call.images(image)
            try await images.clone(
                ImageLocation(pool: snapshot.image.pool, namespace: snapshot.image.namespace),
                image: snapshot.image.name, snapshot: snapshot.name, to: image.name, layout: ImageLayout(spec),
                removedIfLate: true, timeout: limit)
            return try await images.withImage(.name(image.name), .readWrite, timeout: call.limit) { opened in
                let stat = try await opened.stat(timeout: call.limit)
                guard let parent = stat.parent, parent.imageID == snapshot.imageID, parent.snapshotID == snapshot.id
                else {
                    throw VolumeError(
                        .notFound, what, why: "another image or snapshot has that name now",
                        remedy: "see 'rbd snap ls \(snapshot.image)'")
                }
                try await opened.setMetadata(Self.uidKey, to: uid, timeout: call.limit)
                return stat.id
            }
        }
    }

    public func clones(of image: ImageReference, id: String, madeOf snapshot: UInt64?) async throws -> [String] {
        try await call("list the clones of image \(image)") { limit in
            try await call.images(image).withImage(.id(id), .readOnly, timeout: limit) { opened in
                try await opened.clones(madeOf: snapshot, timeout: limit).map { clone in
                    "\(clone.location)/\(clone.name)" + (clone.isInTrash ? " (in the trash)" : "")
                }
            }
        }
    }

    public func grow(_ image: ImageReference, id: String, to size: VolumeSize) async throws {
        try await call("grow image \(image) to \(size)") { limit in
            try await call.images(image).withImage(.id(id), .readWrite, timeout: limit) { opened in
                guard try await opened.stat(timeout: limit).size < size.bytes else { return }
                try await opened.resize(to: size.bytes, timeout: call.limit)
            }
        }
    }

    public func rename(_ image: ImageReference, to name: String) async throws {
        try await call("rename image \(image) to \(name)") { limit in
            let images = call.images(image)
            if try await images.renameFinished(image.name, to: name, timeout: limit) { return }
            try await images.rename(image.name, to: name, timeout: limit)
        }
    }

    public func finishRename(_ image: ImageReference, to name: String) async throws {
        try await call("finish the renaming of image \(image) to \(name)") { limit in
            try await call.images(image).finishRename(image.name, to: name, timeout: limit)
        }
    }

    public func filesystems(on image: ImageReference) async throws -> [FilesystemType] {
        try await call("read the beginning of image \(image)") { limit in
            try await call.images(image).withImage(.name(image.name), .readOnly, timeout: limit) { opened in
                let size = try await opened.stat(timeout: limit).size
                let count = min(size, UInt64(FilesystemSignature.length))
                return FilesystemSignature(head: try await opened.read(at: 0, count: Int(count), timeout: limit)).found
            }
        }
    }

    public func mark(_ image: ImageReference, uid: String) async throws {
        try await call("mark image \(image) as a volume's") { limit in
            try await call.images(image).withImage(.name(image.name), .readWrite, timeout: limit) { opened in
                try await opened.setMetadata(Self.uidKey, to: uid, timeout: limit)
            }
        }
    }

    public func remove(_ image: ImageReference, id: String?) async throws {
        let what = "remove image \(image)"
        try await call(what) { try await call.images(image).closeFinished(image.name, timeout: $0) }
        guard let id else {
            do {
                return try await call(what) { try await call.images(image).remove(image.name, timeout: $0) }
            } catch let error as VolumeError where error.code == .notFound {
                return
            }
        }
        let found = try await call(what) { try await call.images(image).remove(image.name, id: id, timeout: $0) }
        guard found == id else {
            throw VolumeError.replacedImage(what, found: found, wanted: id)
        }
    }

    public func clearRemains(of image: ImageReference) async throws {
        try await call("remove the remains of image \(image)") { limit in
            try await call.images(image).clearRemains(of: image.name, timeout: limit)
        }
    }

    public func names(in pool: String, namespace: String, withPrefix prefix: String) async throws -> [String] {
        let location = ImageLocation(pool: pool, namespace: namespace)
        return try await call("list the images of \(location)") { limit in
            try await RBDImages(location, connection: call.connection).list(timeout: limit).map(\.name).filter {
                $0.hasPrefix(prefix)
            }
        }
    }

    public func watchers(of image: ImageReference) async throws -> [ClientAddress] { try await watched(image).watchers }

    /// Who has the image open for writing, as `watchers(of:)` says, and which image that is. An image that was looked at a
    /// moment ago is still open: then the one request that lists its watchers, and the one that reads which id the name has
    /// now, go side by side.
    public func watched(_ image: ImageReference) async throws -> WatchedImage {
        try await call("list the watchers of image \(image)") { limit in
            let images = call.images(image)
            func watched(_ opened: RBDImage, _ id: String) async throws -> WatchedImage {
                WatchedImage(id: id, watchers: try await others(watching: opened, image, timeout: limit))
            }
            if let again = try await images.withImageStillOpen(image.name, timeout: limit, watched) { return again }
            return try await images.withKeptImage(.name(image.name), timeout: limit, id: \.id) { opened in
                try await watched(opened, opened.stat(timeout: limit).id)
            }
        }
    }

    private func others(
        locking opened: RBDImage, _ image: ImageReference, _ features: ImageFeatures, timeout: Duration
    ) async throws -> [ClientAddress] {
        guard features.contains(.exclusiveLock) else { return [] }
        let own = "client.\(opened.clientID)"
        return try await opened.lockOwners(timeout: timeout).filter { $0.client != own }.addresses(of: image)
    }

    private func others(
        watching opened: RBDImage, _ image: ImageReference, timeout: Duration
    ) async throws -> [ClientAddress] {
        let own = Int64(bitPattern: opened.clientID)
        return try await opened.watchers(timeout: timeout).filter { $0.clientID != own }.addresses(of: image)
    }
}
