import SystemPackage
import VolumeCore

extension FilesystemSignature {
    /// Reads the beginning of a device or file. Blocking.
    static func read(_ path: String) throws -> FilesystemSignature {
        FilesystemSignature(head: try SmallFile.bytes(of: path, limit: length))
    }
}
