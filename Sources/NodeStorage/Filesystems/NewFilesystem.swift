import Blocking

/// A filesystem that mkfs may still be at work on.
public struct NewFilesystem: Sendable {
    let made: OneShot<FilesystemExtents>

    /// What has to be written into the image, when mkfs has ended. To be asked once.
    /// - Throws: `VolumeError`: `invalidOption` when mkfs does not accept the options, and what `CommandRunner` throws.
    public func extents() async throws -> FilesystemExtents { try await made.wait() }
}
