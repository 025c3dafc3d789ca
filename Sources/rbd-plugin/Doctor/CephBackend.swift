import CephStorage
import Glibc
import Logging
import PluginConfiguration

/// A connection to Ceph with files of its own, which leaves nothing behind.
struct CephBackend: Sendable {
    let connection: CephConnection
    private let files: CephClientConfiguration
    /// The folder of the files, when it was made for them.
    private let madeFolder: String?

    /// - Parameters:
    ///   - state: the folder for the files, if it is there; nothing is made in its place.
    ///   - limit: the longest that one call may take.
    init(_ settings: CephClientSettings, below state: String?, limit: Duration, _ log: Logger) throws {
        let folder: String
        if let state, access(state, W_OK) == 0 {
            folder = "\(state)/ceph-operator/\(getpid())"
            madeFolder = nil
        } else {
            folder = try PrivateFile.makeTemporaryDirectory("rbd-plugin-doctor")
            madeFolder = folder
        }
        files = CephClientConfiguration(settings, directory: folder, connectTimeout: limit)
        do {
            try files.write()
        } catch {
            files.remove()
            throw error
        }
        connection = CephConnection(
            settings: CephSettings(settings, files: files, limit: limit, callsPerPool: 8), logger: log)
    }

    /// Removes the files, and the folder that was made for them.
    func remove() {
        files.remove()
        if let madeFolder { rmdir(madeFolder) }
    }
}
