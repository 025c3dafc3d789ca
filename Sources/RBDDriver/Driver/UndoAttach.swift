import Logging
import VolumeCore

extension VolumeDriver {
    /// Undoes a failed attach in reverse order. The claim goes only when it is certain that nothing is mapped: else it
    /// stays, so that the next Mount here finishes what is left and no other node maps the image meanwhile.
    func undo(_ progress: AttachProgress, _ volume: VolumeRecord) async {
        do {
            if progress.isMounted { try await ports.mounter.unmount(progress.mountpoint) }
            try await undoMapping(progress, volume)
            if !progress.isLost { _ = try await commit(.init(attachment: .delete), over: progress.stored) }
        } catch {
            log.error(
                "could not undo a failed mount; the next mount or unmount on this node carries on",
                metadata: ["volume": "\(volume.name)", "error": "\(error)"])
            await keepClaim(progress)
        }
    }

    private func undoMapping(_ progress: AttachProgress, _ volume: VolumeRecord) async throws {
        switch progress.mapping {
        case .none: return
        case .made(let device), .found(let device): try await ports.mapper.unmap(device)
        case .unknown:
            for device in try await ports.mapper.mapped() where device.image == volume.image {
                try await ports.mapper.unmap(device)
            }
        }
    }

    /// Leaves the claim standing without mount ids: nobody uses it, and whoever comes next finishes it.
    private func keepClaim(_ progress: AttachProgress) async {
        guard !progress.isLost, var attachment = progress.stored.attachment?.record else { return }
        attachment.mountIDs = [:]
        do {
            _ = try await commit(.init(attachment: .put(attachment)), over: progress.stored)
        } catch {
            log.error(
                "could not record an unfinished mount",
                metadata: ["volume": "\(progress.stored.name)", "error": "\(error)"])
        }
    }
}
