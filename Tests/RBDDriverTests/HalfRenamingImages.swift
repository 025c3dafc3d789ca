import InMemoryPorts
import Synchronization
import VolumeCore

/// A rename in Ceph is no single step: an image whose rename was cut off is found by both names until that is finished.
final class HalfRenamingImages: PassingImages {
    let base: any ImageStore
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
}
