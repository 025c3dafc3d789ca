import Glibc
import SystemPackage
import VolumeCore

/// The folder in which volumes are mounted, and which no user of the host but root can enter.
///
/// A container can put set-user-id programs and device files into its volume, and volumes are mounted so that these work
/// there, as with Docker's `local` volumes. On the host no other user may come near them by a path.
public struct ClosedMountRoot: Sendable, Hashable {
    public let path: String
    /// The folder that was configured, where others may enter it: `path` is a folder of the plugin's own in it.
    public let openParent: String?

    /// No volume has a name that begins with a dot.
    private static let ownName = ".rbd-plugin"

    /// Finds the folder, and makes what is missing of it. What is there is not changed: other things may be in it, which
    /// other users read.
    /// - Throws: `VolumeError` when it is no folder, or when others may exchange what is in it.
    public static func make(at configured: String) throws(VolumeError) -> ClosedMountRoot {
        do {
            try SystemCall.makeFolders(configured)
            let isDockers = try MountTable.read().topmost(at: configured).map(HostFolder.isDockers) ?? false
            // Docker has a folder for each plugin, below one that it closes.
            if isDockers { return ClosedMountRoot(path: configured, openParent: nil) }
            let status = try status(of: configured)
            guard status.letsOthersEnter else { return ClosedMountRoot(path: configured, openParent: nil) }
            guard !status.letsOthersWrite else { throw refusal(of: configured) }
            let own = configured + "/" + ownName
            try SystemCall.makeFolders(own)
            guard try !Self.status(of: own).letsOthersEnter else { throw refusal(of: own) }
            return ClosedMountRoot(path: own, openParent: configured)
        } catch let error as VolumeError {
            throw error
        } catch {
            throw VolumeError(
                .unavailable, "use \(configured) as the folder for mountpoints", why: "\(error)",
                remedy: "name another folder with --mount-root")
        }
    }

    private static func status(of folder: String) throws -> stat {
        var status = stat()
        try SystemCall.check { stat(folder, &status) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw Errno.notDirectory }
        return status
    }

    private static func refusal(of folder: String) -> VolumeError {
        VolumeError(
            .conflict, "use \(folder) as the folder for mountpoints",
            why:
                "users other than root can change what is in it, and could reach what containers put into their volumes",
            remedy:
                "close it ('chown root \(folder) && chmod 0700 \(folder)'), or name another folder with --mount-root",
            outcome: .refused)
    }
}

extension stat {
    /// An access list for other users shows in the bits of the group.
    fileprivate var letsOthersEnter: Bool { st_uid != 0 || st_mode & 0o011 != 0 }

    fileprivate var letsOthersWrite: Bool { st_uid != 0 || st_mode & 0o022 != 0 }
}
