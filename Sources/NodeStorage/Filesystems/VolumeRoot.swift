import Glibc
import SystemPackage
import VolumeCore

/// The root directory of a mounted volume. All calls block, and go through its descriptor alone.
struct VolumeRoot {
    let folder: FileDescriptor

    /// Removes an empty `lost+found`, which makes database images refuse the directory, and sets owner and mode where
    /// they differ from what the volume's options say.
    /// - Throws: `Errno`.
    func prepare(_ spec: VolumeSpec) throws {
        try removeLostAndFound()
        var status = stat()
        try SystemCall.check { fstat(folder.rawValue, &status) }
        let uid = spec.uid ?? status.st_uid
        let gid = spec.gid ?? status.st_gid
        if uid != status.st_uid || gid != status.st_gid {
            try SystemCall.check { fchown(folder.rawValue, uid, gid) }
        }
        // After the owner: changing that one clears the set-id bits.
        if let mode = spec.mode, mode_t(mode) != status.st_mode & 0o7777 || uid != status.st_uid || gid != status.st_gid
        {
            try SystemCall.check { fchmod(folder.rawValue, mode_t(mode)) }
        }
    }

    private func removeLostAndFound() throws {
        do {
            try SystemCall.check { unlinkat(folder.rawValue, "lost+found", AT_REMOVEDIR) }
        } catch let error as Errno where [.noSuchFileOrDirectory, .directoryNotEmpty, .notDirectory].contains(error) {
            // It is not there, holds what a check has rescued, or is the user's own file.
        }
    }
}
