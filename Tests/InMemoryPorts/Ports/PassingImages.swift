import VolumeCore

/// Images that are passed on as they are, but for what the one that conforms does otherwise.
public protocol PassingImages: ImageStore {
    var base: any ImageStore { get }
}

extension PassingImages {
    public func preflight(_ spec: VolumeSpec) async throws { try await base.preflight(spec) }
    public func inspect(_ image: ImageReference) async throws -> ImageDescription? { try await base.inspect(image) }
    public func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
        try await base.inspect(id: id, in: place)
    }
    public func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        try await base.create(image, spec: spec, uid: uid)
    }
    public func clone(
        _ snapshot: ParentSnapshot, as image: ImageReference, spec: VolumeSpec, uid: String
    ) async throws -> String {
        try await base.clone(snapshot, as: image, spec: spec, uid: uid)
    }
    public func clones(of image: ImageReference, id: String, madeOf snapshot: UInt64?) async throws -> [String] {
        try await base.clones(of: image, id: id, madeOf: snapshot)
    }
    public func rename(_ image: ImageReference, to name: String) async throws {
        try await base.rename(image, to: name)
    }
    public func finishRename(_ image: ImageReference, to name: String) async throws {
        try await base.finishRename(image, to: name)
    }
    public func filesystems(on image: ImageReference) async throws -> [FilesystemType] {
        try await base.filesystems(on: image)
    }
    public func mark(_ image: ImageReference, uid: String) async throws { try await base.mark(image, uid: uid) }
    public func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws {
        try await base.noteWriter(client, in: image, id: id)
    }
    public func forgetWriters(_ clients: [ClientAddress], in image: ImageReference, id: String) async throws {
        try await base.forgetWriters(clients, in: image, id: id)
    }
    public func grow(_ image: ImageReference, id: String, to size: VolumeSize) async throws {
        try await base.grow(image, id: id, to: size)
    }
    public func remove(_ image: ImageReference, id: String?) async throws { try await base.remove(image, id: id) }
    public func moveToTrash(
        _ image: ImageReference, id: String?, as removed: String, keepingUntil until: WallTime?
    ) async throws {
        try await base.moveToTrash(image, id: id, as: removed, keepingUntil: until)
    }
    public func keep(_ volume: KeptVolume, in image: ImageReference, id: String) async throws {
        try await base.keep(volume, in: image, id: id)
    }
    public func kept(_ image: TrashedImage) async throws -> KeptImage? { try await base.kept(image) }
    public func restoreFromTrash(_ image: TrashedImage, as name: String) async throws {
        try await base.restoreFromTrash(image, as: name)
    }
    public func trashPlaces() async throws -> [TrashPlace] { try await base.trashPlaces() }
    public func trashed(in place: TrashPlace) async throws -> [TrashedImage] { try await base.trashed(in: place) }
    public func emptyTrash(_ image: TrashedImage, early: Bool) async throws {
        try await base.emptyTrash(image, early: early)
    }
    public func clearRemains(of image: ImageReference) async throws { try await base.clearRemains(of: image) }
    public func names(in pool: String, namespace: String, withPrefix prefix: String) async throws -> [String] {
        try await base.names(in: pool, namespace: namespace, withPrefix: prefix)
    }
    public func watchers(of image: ImageReference) async throws -> [ClientAddress] {
        try await base.watchers(of: image)
    }
}
