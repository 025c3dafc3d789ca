import CephStorage
import DiffStream
import VolumeCore

/// Makes an image of a whole stream.
public struct VolumeImport {
    private let images: CephImageStore
    private let diff: IncomingDiff
    private let what: String
    private let tell: @Sendable (BackupProgress) -> Void

    /// - Parameter what: what is done, for errors: `import volume db`.
    public init(
        _ diff: IncomingDiff, _ what: String, images: CephImageStore,
        tell: @escaping @Sendable (BackupProgress) -> Void
    ) {
        self.diff = diff
        self.images = images
        self.what = what
        self.tell = tell
    }

    /// Creates an image, and writes what the stream says into it. It stays open until `body` returns, so that nobody mounts or
    /// removes it meanwhile.
    /// - Parameter body: is called when the stream was whole and is on disk; gets the image's id.
    public func create(
        _ image: ImageReference, spec: VolumeSpec, uid: String, _ body: (String) async throws -> Void
    ) async throws {
        _ = try await images.create(image, spec: spec, uid: uid) { opened in
            do {
                var writing = ImageImport(into: opened, size: spec.size.bytes, isBlank: true, tell: tell)
                try await writing.take(diff)
            } catch let error as CephError {
                throw VolumeError(ceph: error, what)
            }
            try await body(try await opened.stat().id)
        }
    }
}
