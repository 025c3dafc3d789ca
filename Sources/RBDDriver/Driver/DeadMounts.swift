import Logging
import VolumeCore

/// With the mappers `fuse` and `nbd` a process carries the data. When it ends, as it does with a managed plugin's
/// container, the kernel still shows device and mount, and every file in it gives an I/O error.
extension VolumeDriver {
    /// Whether the kernel has the recorded device mounted at the recorded mountpoint, and its mapping is still there.
    func isMountedHere(_ stored: StoredVolume) async throws -> Bool {
        guard try await isShownAsMounted(stored) else { return false }
        return await !hasLostMapping(stored)
    }

    /// Whether the kernel has the recorded device mounted at the recorded mountpoint.
    func isShownAsMounted(_ stored: StoredVolume) async throws -> Bool {
        guard let attachment = stored.attachment?.record, attachment.owner == me,
            let device = attachment.device, let mountpoint = attachment.mountpoint
        else { return false }
        return try await ports.mounter.mounted(at: mountpoint)?.device == device
    }

    /// Whether this node's mapper says that it has not mapped the recorded device. As long as it cannot tell, the kernel is
    /// believed. What was made by a kind that the mapper does not know of is not judged: the setting may have been changed
    /// under mounted volumes.
    private func hasLostMapping(_ stored: StoredVolume) async -> Bool {
        guard let attachment = stored.attachment?.record, let mapped = try? await ports.mapper.mapped(),
            let kind = attachment.mapper
        else { return false }
        // In this order: after a start it is the first question that decides which kinds these are.
        return ports.mapper.kinds.contains(kind) && !mapped.contains { $0.path == attachment.device }
    }

    /// Takes away the mount that a mapping has left which died, before the volume is mapped anew.
    ///
    /// The mapper not knowing it proves nothing yet: its notes may be lost while the process lives, with containers that
    /// write. So Ceph has to agree that the client is gone. Then it is shut out for good, lest it only was cut off.
    /// - Throws: `VolumeError`, `inUse` while Ceph sees somebody, `busy` when files in the dead mount are open. Nothing has
    ///   changed then.
    func clearDeadMount(_ stored: StoredVolume) async throws {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record,
            let mountpoint = attachment.mountpoint, try await isShownAsMounted(stored),
            await hasLostMapping(stored)
        else { return }
        let what = "mount volume \(stored.name)"
        let seen = try await inspect(volume.image)?.watchers ?? []
        let watchers = try await strangers(to: volume, besides: [], seen: seen)
        guard watchers.isEmpty else {
            throw VolumeError(
                .inUse, what,
                why: "what it was mapped with here has ended, but its image \(volume.image) is in use by "
                    + watchers.map(\.description).joined(separator: ", "),
                remedy: "a client that died lets go after about 30 seconds: try again then", outcome: .refused)
        }
        for client in attachment.clients { try await shutOutDead(client) }
        do {
            try await ports.mounter.unmount(mountpoint)
        } catch let error as VolumeError where error.code == .busy {
            throw VolumeError(
                .busy, what, why: "what it was mapped with here has ended, and its dead mount is in use: \(error.why)",
                remedy: "stop the containers that use the volume here, which can only get I/O errors; then try again",
                outcome: .refused)
        }
        log.warning(
            "took away the mount of a mapping that had died; containers that still use it get I/O errors",
            metadata: ["volume": "\(stored.name)", "device": "\(attachment.device ?? "?")"])
    }
}
