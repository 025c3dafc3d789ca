import VolumeCore

/// What librbd does.
extension World {
    func preflight(_ spec: VolumeSpec) throws {
        let what = "use pool \(spec.pool)"
        guard let pool = ceph.pools[spec.pool] else {
            throw VolumeError(.notFound, what, why: "there is no such pool", outcome: .refused)
        }
        guard spec.namespace.isEmpty || pool.namespaces.contains(spec.namespace) else {
            throw VolumeError(
                .notFound, what, why: "it has no namespace '\(spec.namespace)'", outcome: .refused)
        }
        var dataPool = pool
        if !spec.dataPool.isEmpty {
            guard let found = ceph.pools[spec.dataPool] else {
                throw VolumeError(
                    .notFound, "use data pool \(spec.dataPool)", why: "there is no such pool", outcome: .refused)
            }
            dataPool = found
        }
        guard spec.size <= dataPool.capacity else {
            throw VolumeError(
                .noSpace, what, why: "\(spec.size) is more than the \(dataPool.capacity) it could ever hold",
                outcome: .refused)
        }
    }

    func image(_ reference: ImageReference, to doWhat: String) throws -> SimulatedImage {
        guard let image = ceph.images[reference] else {
            throw VolumeError(.notFound, "\(doWhat) image \(reference)", why: "there is no such image")
        }
        return image
    }

    /// The first half of a create: from here on the image exists, without a uid.
    mutating func createImage(_ reference: ImageReference, spec: VolumeSpec) throws -> String {
        try preflight(spec)
        guard ceph.images[reference] == nil else {
            throw VolumeError(
                .alreadyExists, "create image \(reference)", why: "the name is taken", outcome: .refused)
        }
        let id = ceph.nextImageID()
        let features = spec.dataPool.isEmpty ? spec.featuresOfImage : spec.featuresOfImage.union(.dataPool)
        ceph.images[reference] = SimulatedImage(
            id: id, size: spec.size, order: spec.order, features: features, striping: spec.striping, content: .blank)
        return id
    }

    mutating func markImage(_ reference: ImageReference, uid: String) throws {
        _ = try image(reference, to: "write the uid of")
        ceph.images[reference]?.uid = uid
    }

    /// Devices keep following the image; they go on showing the name it was mapped by, as sysfs does.
    mutating func renameImage(_ reference: ImageReference, to name: String) throws {
        let image = try image(reference, to: "rename")
        let target = reference.named(name)
        guard ceph.images[target] == nil else {
            throw VolumeError(
                .alreadyExists, "rename image \(reference) to \(name)", why: "the name is taken", outcome: .refused)
        }
        ceph.images[reference] = nil
        ceph.images[target] = image
    }

    /// The first half of a removal: the data goes, the name still stands. The same call finishes it later.
    /// - Returns: whether there is anything left to do.
    mutating func trimImage(_ reference: ImageReference, id: String?) throws -> Bool {
        guard let image = ceph.images[reference] else { return false }
        if let id, image.id != id {
            throw VolumeError(
                .foreignImage, "remove image \(reference)", why: "its id is \(image.id), not \(id)", outcome: .refused)
        }
        let what = "remove image \(reference)"
        guard !hasSnapshots(image) else {
            throw VolumeError(.busy, what, why: "it has snapshots", outcome: .refused)
        }
        guard watchers(ofImage: image.id).isEmpty else {
            throw VolumeError(.busy, what, why: "it has watchers", outcome: .refused)
        }
        ceph.images[reference]?.content = .unreadable
        return true
    }

    /// The second half.
    mutating func dropImage(_ reference: ImageReference, id: String?) throws {
        guard try trimImage(reference, id: id), let image = ceph.images[reference] else { return }
        ceph.images[reference] = nil
        ceph.orphanedWatches[image.id] = nil
    }

    /// Clients that show as having the image open: all that may write to it, and some that only read. A silent one counts until its watch has timed out; a blocklisted
    /// one is thrown out at once.
    public func watchers(ofImage id: String) -> [ClientAddress] {
        var watchers = Set((ceph.orphanedWatches[id] ?? [:]).filter { $0.value > now }.keys)
        for node in nodes.values {
            let watching = node.cephLostAt.map { $0 + ceph.watchTimeout > now } ?? true
            for device in node.kernel.mappings where watching && device.watches && device.imageID == id {
                watchers.insert(device.client)
            }
        }
        return watchers.filter { !ceph.isBlocklisted($0, at: now) }.sorted { $0.text < $1.text }
    }

    /// The watchers as a port says them.
    func shownWatchers(of image: SimulatedImage, as reference: ImageReference) throws -> [ClientAddress] {
        let found = watchers(ofImage: image.id)
        if let client = found.first(where: ceph.obscured.contains) {
            throw VolumeError.obscureClient("\(client)", "watches", reference, shownAs: "-")
        }
        return found
    }

    /// Who holds the lock, as a port says it.
    func shownLockOwner(of reference: ImageReference) throws -> ClientAddress? {
        try shownLockOwner(of: image(reference, to: "list the lock owners of"), as: reference)
    }

    private func shownLockOwner(of image: SimulatedImage, as reference: ImageReference) throws -> ClientAddress? {
        let owner = image.lockOwner
        if let owner, ceph.obscured.contains(owner) {
            throw VolumeError.obscureClient("\(owner)", "holds the lock of", reference, shownAs: "-")
        }
        return owner
    }

    /// What a look at an image tells.
    func describe(_ image: SimulatedImage, as reference: ImageReference) throws -> ImageDescription {
        ImageDescription(
            id: image.id, size: image.size, order: image.order, features: image.features,
            striping: image.striping, uid: image.uid,
            watchers: try shownWatchers(of: image, as: reference),
            lockOwners: try shownLockOwner(of: image, as: reference).map { [$0] } ?? [],
            writers: image.writers.sorted { $0.text < $1.text }, rollingBackTo: image.rollingBackTo,
            snapshots: image.snapshots.map(\.name).sorted() + keptNames(of: image))
    }

    /// An image by its id, under whatever name it is, also in the trash.
    func image(ofID id: String, in place: TrashPlace) -> (image: SimulatedImage, reference: ImageReference)? {
        if let entry = ceph.trash[id], entry.reference.trash == place { return (entry.image, entry.reference) }
        return ceph.images.first { $0.value.id == id && $0.key.trash == place }.map { ($0.value, $0.key) }
    }

    mutating func noteWriter(_ client: ClientAddress, ofImage id: String, in place: TrashPlace) throws {
        guard let found = image(ofID: id, in: place) else {
            throw VolumeError(
                .notFound, "note client \(client) in image \(id)", why: "there is no such image", outcome: .refused)
        }
        change(found.reference, id) { $0.writers.insert(client) }
    }

    mutating func growImage(_ id: String, in place: TrashPlace, to size: VolumeSize) throws {
        guard let found = image(ofID: id, in: place) else {
            throw VolumeError(.notFound, "grow image \(id)", why: "there is no such image", outcome: .refused)
        }
        change(found.reference, id) { $0.size = max($0.size, size) }
    }

    mutating func forgetWriters(_ clients: [ClientAddress], ofImage id: String, in place: TrashPlace) {
        guard let found = image(ofID: id, in: place) else { return }
        change(found.reference, id) { $0.writers.subtract(clients) }
    }

    private mutating func change(_ reference: ImageReference, _ id: String, _ body: (inout SimulatedImage) -> Void) {
        if var entry = ceph.trash[id] {
            body(&entry.image)
            ceph.trash[id] = entry
        } else if var image = ceph.images[reference] {
            body(&image)
            ceph.images[reference] = image
        }
    }

    /// Clients that have the image mapped and could still write to it: more than one breaks invariant I1.
    public func writers(ofImage id: String) -> [ClientAddress] {
        nodes.values.flatMap { node in
            node.kernel.mappings.filter { $0.imageID == id && canWrite($0) }.map(\.client)
        }.sorted { $0.text < $1.text }
    }

    private func canWrite(_ device: SimulatedDevice) -> Bool {
        !device.isBroken && !ceph.isBlocklisted(device.client, at: now)
    }
}

/// What a test or an operator does to images by hand.
extension World {
    /// An image that no volume owns.
    public mutating func addImage(
        _ reference: ImageReference, size: VolumeSize = .mebibytes(512), content: ImageContent = .unreadable
    ) {
        ceph.images[reference] = SimulatedImage(
            id: ceph.nextImageID(), size: size, order: 22, features: .standard, content: content)
    }

    /// `rbd snap create`.
    public mutating func addSnapshot(_ name: String, of reference: ImageReference) throws {
        _ = try takeSnapshot(name, of: reference, mark: nil)
    }

    /// `rbd-plugin snapshot create`, by an operator.
    public mutating func addSnapshot(_ name: String, of reference: ImageReference, by operatorName: String) throws {
        let mark = SnapshotMark(consistency: .crash, by: operatorName, token: name)
        _ = try takeSnapshot(name, of: reference, mark: mark)
    }

    /// `rbd-plugin snapshot hold` or `unhold`, by an operator.
    public mutating func hold(_ snapshot: UInt64, of reference: ImageReference, _ isHeld: Bool) {
        guard let index = ceph.images[reference]?.snapshots.firstIndex(where: { $0.id == snapshot }) else { return }
        ceph.images[reference]?.snapshots[index].mark?.isHeld = isHeld
    }

    /// `rbd-plugin snapshot rm --scheduled`, by an operator.
    public mutating func removeScheduledSnapshots(of reference: ImageReference) {
        guard let image = ceph.images[reference] else { return }
        for snapshot in image.listed.filter(\.isScheduledAndFree) { removeSnapshot(snapshot.id, ofImage: image.id) }
    }

    /// `rbd snap rm`, of a snapshot by its number, whatever its mark says.
    public mutating func removeSnapshot(_ snapshot: UInt64, ofImage id: String) {
        guard let reference = ceph.reference(ofImage: id) else { return }
        ceph.images[reference]?.snapshots.removeAll { $0.id == snapshot }
        keep(snapshot, ofImage: id)
    }

    /// `rbd snap rm`.
    public mutating func removeSnapshot(_ name: String, of reference: ImageReference) throws {
        let image = try image(reference, to: "remove a snapshot of")
        for snapshot in image.snapshots where snapshot.name == name {
            removeSnapshot(snapshot.id, ofImage: image.id)
        }
    }

    /// From now on Ceph shows whoever holds the image's lock with an address that names no client.
    public mutating func obscureLockOwner(of reference: ImageReference) {
        if let owner = ceph.images[reference]?.lockOwner { obscure(owner) }
    }

    /// From now on Ceph shows the client with an address that names none.
    public mutating func obscure(_ client: ClientAddress) { ceph.obscured.insert(client) }

    /// Writes bytes that are no filesystem to an image.
    public mutating func spoil(_ reference: ImageReference) throws {
        _ = try image(reference, to: "write to")
        ceph.images[reference]?.content = .unreadable
    }

    /// `rbd resize`.
    public mutating func resize(_ reference: ImageReference, to size: VolumeSize) throws {
        _ = try image(reference, to: "resize")
        ceph.images[reference]?.size = size
    }

    /// What of the applications' writes has reached the image; `nil` when it holds no filesystem.
    public func records(of reference: ImageReference) -> [String]? {
        ceph.images[reference]?.filesystem?.records
    }
}

/// What `osd blocklist` and `rbd lock` do.
extension World {
    /// An entry that stands keeps its end.
    mutating func blocklist(_ client: ClientAddress, for duration: Duration) {
        if !ceph.isBlocklisted(client, at: now) { ceph.blocklist[client] = now + duration }
        // What is left of one that died is gone for good, also when it is allowed again.
        for image in ceph.orphanedWatches.keys { ceph.orphanedWatches[image]?[client] = nil }
    }

    /// What a fence does of it.
    mutating func fence(_ client: ClientAddress, for duration: Duration) throws {
        blocklist(client, for: duration)
        guard let end = ceph.blocklist[client], end >= now + duration / 2 else {
            throw VolumeError.shortFence(client, until: "\(ceph.blocklist[client] ?? .zero)")
        }
    }

    mutating func allow(_ client: ClientAddress) {
        ceph.blocklist[client] = nil
    }

    mutating func breakLock(of reference: ImageReference, heldBy client: ClientAddress) throws {
        if try shownLockOwner(of: reference) == client { ceph.images[reference]?.lockOwner = nil }
    }
}
