import VolumeCore

/// `ImageStore` over the simulated Ceph.
public struct InMemoryImageStore: ImageStore {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func preflight(_ spec: VolumeSpec) async throws {
        try await process.perform(.imagePreflight, spec.pool) { try $0.preflight(spec) }
    }

    public func inspect(_ image: ImageReference) async throws -> ImageDescription? {
        try await process.perform(.imageInspect, "\(image)") { world in
            try world.ceph.images[image].map { try world.describe($0, as: image) }
        }
    }

    public func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
        try await process.perform(.imageInspect, "\(id) in \(place.pool)") { world in
            try world.image(ofID: id, in: place).map { try world.describe($0.image, as: $0.reference) }
        }
    }

    public func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws {
        try await process.perform(.imageNoteWriter, "\(client) in \(id)") {
            try $0.noteWriter(client, ofImage: id, in: image.trash)
        }
    }

    public func forgetWriters(_ clients: [ClientAddress], in image: ImageReference, id: String) async throws {
        try await process.perform(.imageForgetWriters, "\(clients.map(\.text).joined(separator: " ")) in \(id)") {
            $0.forgetWriters(clients, ofImage: id, in: image.trash)
        }
    }

    public func grow(_ image: ImageReference, id: String, to size: VolumeSize) async throws {
        try await process.perform(.imageGrow, "\(id) to \(size)") { [process] world in
            try world.growImage(id, in: image.trash, to: size)
            world.open(id, by: process)
        }
    }

    /// The image exists before it bears its uid, as with librbd: a crash in between leaves one that bears none.
    public func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        let id = try await process.perform(.imageCreate, "\(image)") { [process] world in
            let id = try world.createImage(image, spec: spec)
            world.open(id, by: process)
            return id
        }
        try await mark(image, uid: uid)
        return id
    }

    public func clone(
        _ snapshot: ParentSnapshot, as image: ImageReference, spec: VolumeSpec, uid: String
    ) async throws -> String {
        let id = try await process.perform(.imageClone, "\(snapshot.image)@\(snapshot.name) as \(image)") {
            [process] world in
            let id = try world.cloneImage(snapshot, as: image, spec: spec)
            world.open(id, by: process)
            return id
        }
        try await mark(image, uid: uid)
        return id
    }

    public func clones(of image: ImageReference, id: String, madeOf snapshot: UInt64?) async throws -> [String] {
        try await process.perform(.imageClones, "\(image)") {
            try $0.clones(ofImage: id, at: image, madeOf: snapshot)
        }
    }

    public func rename(_ image: ImageReference, to name: String) async throws {
        try await process.perform(.imageRename, "\(image) to \(name)") { [process] world in
            try world.renameImage(image, to: name)
            world.open(world.ceph.images[image.named(name)]?.id, by: process)
        }
    }

    /// Renames are whole here.
    public func finishRename(_ image: ImageReference, to name: String) async throws {}

    public func filesystems(on image: ImageReference) async throws -> [FilesystemType] {
        try await process.perform(.imageFilesystems, "\(image)") { world in
            [try world.image(image, to: "read the beginning of").filesystem?.type].compactMap(\.self)
        }
    }

    public func mark(_ image: ImageReference, uid: String) async throws {
        try await process.perform(.imageMark, "\(image)") { [process] world in
            try world.markImage(image, uid: uid)
            world.open(world.ceph.images[image]?.id, by: process)
        }
    }

    public func remove(_ image: ImageReference, id: String?) async throws {
        let exists = try await process.perform(.imageTrim, "\(image)") { try $0.trimImage(image, id: id) }
        guard exists else { return }
        try await process.perform(.imageRemove, "\(image)") { try $0.dropImage(image, id: id) }
    }

    /// In two steps, as two calls of librbd: the new name, then the trash.
    public func moveToTrash(
        _ image: ImageReference, id: String?, as removed: String, keepingUntil until: WallTime?
    ) async throws {
        try await process.perform(.imageRename, "\(image) to \(removed)") { [process] world in
            try world.withdraw(image, id: id, to: removed)
            world.open(world.ceph.images[image.named(removed)]?.id, by: process)
        }
        try await process.perform(.imageTrash, "\(image)") {
            $0.moveToTrash(image.named(removed), protectedUntil: until)
        }
    }

    public func keep(_ volume: KeptVolume, in image: ImageReference, id: String) async throws {
        try volume.check()
        try await process.perform(.imageKeep, id) { try $0.keep(volume, inImage: id, of: image) }
    }

    public func kept(_ image: TrashedImage) async throws -> KeptImage? {
        try await process.perform(.imageKept, image.id) { $0.kept(image) }
    }

    public func restoreFromTrash(_ image: TrashedImage, as name: String) async throws {
        try await process.perform(.imageRestore, "\(image.id) as \(name)") {
            try $0.restoreFromTrash(image.id, in: image.place, as: name)
        }
    }

    public func trashPlaces() async throws -> [TrashPlace] {
        try await process.perform(.imageTrashPlaces, "") { $0.trashPlaces }
    }

    public func trashed(in place: TrashPlace) async throws -> [TrashedImage] {
        try await process.perform(.imageTrashList, "\(place.pool)") { $0.trashed(in: place) }
    }

    /// In two steps, as `remove`.
    public func emptyTrash(_ image: TrashedImage, early: Bool) async throws {
        let now = process.cluster.mutate { [process] in $0.wallClock(of: process.node) }
        if !early, let until = image.keptUntil, now < until {
            throw VolumeError(
                .conflict, "delete image \(image.id) in the trash", why: "it is kept until \(until)", outcome: .refused)
        }
        let exists = try await process.perform(.imageTrim, "\(image.id)") { world in
            // By the clock of whoever asks, as librbd does.
            if !early, let until = world.ceph.trash[image.id]?.protectedUntil, now < until {
                throw VolumeError(
                    .unavailable, "delete image \(image.id) in the trash", why: "it is protected until \(until)",
                    outcome: .refused)
            }
            return try world.trimTrashed(image.id, uid: image.uid)
        }
        guard exists else { return }
        try await process.perform(.imageEmpty, "\(image.id)") { try $0.dropTrashed(image.id, uid: image.uid) }
    }

    /// Creations are whole here, and removals are finished by `remove`.
    public func clearRemains(of image: ImageReference) async throws {}

    public func names(in pool: String, namespace: String, withPrefix prefix: String) async throws -> [String] {
        try await process.perform(.imageList, pool) { world in
            world.ceph.images.keys.filter {
                $0.pool == pool && $0.namespace == namespace && $0.name.hasPrefix(prefix)
            }.map(\.name).sorted()
        }
    }

    public func watchers(of image: ImageReference) async throws -> [ClientAddress] {
        try await process.perform(.imageWatchers, "\(image)") { world in
            try world.shownWatchers(of: world.image(image, to: "list the watchers of"), as: image)
        }
    }
}

/// `VolumeFormatter` over the simulated Ceph and kernel: creates the image, maps it for itself, runs mkfs, unmaps it.
public struct InMemoryFormatter: VolumeFormatter {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    /// A crash between the steps leaves a mapped device and an image that is neither blank nor whole. A mkfs that runs
    /// while the image is being created is no effect: it touches nothing that anybody else could see.
    public func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        let id = try await InMemoryImageStore(process).create(image, spec: spec, uid: uid)
        try await format(image, id: id, spec)
        return id
    }

    public func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String {
        let id = try await InMemoryImageStore(process).clone(snapshot, as: image, spec: spec, uid: uid)
        do {
            try await renew(image, id: id, spec)
        } catch let error as VolumeError where error.code == .unfinished {
            try await renew(image, id: id, spec)
        }
        return id
    }

    private func renew(_ image: ImageReference, id: String, _ spec: VolumeSpec) async throws {
        try await withDevice(image, id: id) { device, node in
            try await process.perform(.formatBegin, "\(image)") {
                try $0.checkFilesystem(spec.filesystem, on: device, node: node)
            }
            try await process.perform(.formatEnd, "\(image)") {
                try $0.renewFilesystem(spec.filesystem, on: device, node: node)
            }
        }
    }

    private func format(_ image: ImageReference, id: String, _ spec: VolumeSpec) async throws {
        try await withDevice(image, id: id) { device, node in
            try await process.perform(.formatBegin, "\(image)") { try $0.beginFilesystem(on: device, node: node) }
            try await process.perform(.formatEnd, "\(image)") {
                try $0.finishFilesystem(spec.filesystem, on: device, node: node)
            }
        }
    }

    private func withDevice(
        _ image: ImageReference, id: String, _ body: (String, String) async throws -> Void
    ) async throws {
        let node = process.node
        let device = try await process.perform(.formatMap, "\(image)") {
            MappedDevice(try $0.map(image, id: id, options: [], on: node))
        }
        do {
            try await body(device.path, node)
        } catch {
            try? await process.perform(.formatUnmap, "\(image)") { _ = try $0.unmap(device, on: node) }
            throw error
        }
        try await process.perform(.formatUnmap, "\(image)") { _ = try $0.unmap(device, on: node) }
    }
}

/// `Fence` over the simulated Ceph.
public struct InMemoryFence: Fence {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func blocklist(_ client: ClientAddress, for duration: Duration) async throws {
        try await process.perform(.fenceBlocklist, "\(client)") { try $0.fence(client, for: duration) }
    }

    public func isBlocklisted(_ client: ClientAddress) async throws -> Bool {
        try await process.perform(.fenceIsBlocklisted, "\(client)") { $0.ceph.isBlocklisted(client, at: $0.now) }
    }

    public func allow(_ client: ClientAddress) async throws {
        try await process.perform(.fenceAllow, "\(client)") { $0.allow(client) }
    }

    public func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws {
        try await process.perform(.fenceBreakLock, "\(image)") { try $0.breakLock(of: image, heldBy: client) }
    }
}

/// `FormerClients` of the simulated nodes.
public struct InMemoryFormerClients: FormerClients {
    private let process: PluginProcess

    public init(_ process: PluginProcess) { self.process = process }

    public func all() async throws -> [ClientAddress] {
        let known = process.cluster.world.nodes[process.node]?.formerClients ?? [:]
        return known.filter { $0.value == process.identity.boot }.keys.sorted { $0.text < $1.text }
    }

    public func isThisMachines(_ client: ClientAddress) async throws -> Bool {
        client.host == process.cluster.world.nodes[process.node]?.host
    }

    public func forget(_ client: ClientAddress) async throws {
        process.cluster.mutate { [process] in $0.nodes[process.node]?.formerClients[client] = nil }
    }
}

extension World {
    /// The plugin's own client has the image open until its next call: killed before that, it shows as a watcher.
    mutating func open(_ image: String?, by process: PluginProcess) {
        guard nodes[process.node]?.process == process.number else { return }
        nodes[process.node]?.opened = image
    }
}
