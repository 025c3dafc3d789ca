import Synchronization
import VolumeCore

/// A rename in Ceph is no single step: an image whose rename was cut off is found by both names until that is finished.
final class HalfRenamingImages: ImageStore {
    private let base: any ImageStore
    private let volume: ImageReference
    private let renamed = Mutex<[String]>([])

    init(base: any ImageStore, volume: ImageReference) { (self.base, self.volume) = (base, volume) }

    /// The names for which a rename was finished.
    var finished: [String] { renamed.withLock { $0 } }

    func inspect(_ image: ImageReference) async throws -> ImageDescription? {
        let isFormerName = image != volume && !image.name.hasSuffix(VolumeRecord.withdrawnSuffix)
        return try await base.inspect(isFormerName && finished.isEmpty ? volume : image)
    }
    func finishRename(_ image: ImageReference, to name: String) async throws {
        renamed.withLock { $0.append(name) }
        try await base.finishRename(image, to: name)
    }

    func names(in pool: String, namespace: String, withPrefix prefix: String) async throws -> [String] {
        try await base.names(in: pool, namespace: namespace, withPrefix: prefix)
    }
    func watchers(of image: ImageReference) async throws -> [ClientAddress] { try await base.watchers(of: image) }
    func preflight(_ spec: VolumeSpec) async throws { try await base.preflight(spec) }
    func inspect(id: String, in place: TrashPlace) async throws -> ImageDescription? {
        try await base.inspect(id: id, in: place)
    }
    func noteWriter(_ client: ClientAddress, in image: ImageReference, id: String) async throws {
        try await base.noteWriter(client, in: image, id: id)
    }
    func forgetWriters(_ clients: [ClientAddress], in image: ImageReference, id: String) async throws {
        try await base.forgetWriters(clients, in: image, id: id)
    }
    func create(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        try await base.create(image, spec: spec, uid: uid)
    }
    func filesystems(on image: ImageReference) async throws -> [FilesystemType] {
        try await base.filesystems(on: image)
    }
    func rename(_ image: ImageReference, to name: String) async throws { try await base.rename(image, to: name) }
    func mark(_ image: ImageReference, uid: String) async throws { try await base.mark(image, uid: uid) }
    func remove(_ image: ImageReference, id: String?) async throws { try await base.remove(image, id: id) }
    func moveToTrash(_ image: ImageReference, id: String?, as removed: String) async throws {
        try await base.moveToTrash(image, id: id, as: removed)
    }
    func trashPlaces() async throws -> [TrashPlace] { try await base.trashPlaces() }
    func trashed(in place: TrashPlace) async throws -> [TrashedImage] { try await base.trashed(in: place) }
    func emptyTrash(_ image: TrashedImage) async throws { try await base.emptyTrash(image) }
    func clearRemains(of image: ImageReference) async throws { try await base.clearRemains(of: image) }
}
