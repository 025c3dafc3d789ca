import Logging
import VolumeCore

extension VolumeDriver {
    /// Undoes a failed attach in reverse order. The claim goes only when it is certain that nothing is mapped: else it
    /// stays, so that the next Mount here finishes what is left and no other node maps the image meanwhile.
    func undo(_ progress: AttachProgress, _ volume: VolumeRecord, because failure: any Error) async {
        do {
            if progress.isMounted { try await undoMount(progress) }
            let gone = try await undoMapping(progress, volume)
            if let claim = progress.stored.attachment?.record, !progress.isLost {
                try await shutOutUnseen(claim, of: volume, besides: gone)
            }
            async let forgotten: Void = forgetWriters(gone, of: volume)
            if !progress.isLost {
                _ = try await commit(.init(attachment: .delete, why: "\(failure)"), over: progress.stored)
            }
            await forgotten
        } catch {
            log.error(
                "could not undo a failed mount; the next mount or unmount on this node continues",
                metadata: ["volume": "\(volume.name)", "error": "\(error)"])
            await keepClaim(progress)
        }
    }

    /// Only what is mounted from the volume's own device.
    private func undoMount(_ progress: AttachProgress) async throws {
        var attachment = progress.stored.attachment?.record
        attachment?.mountpoint = progress.mountpoint
        if let attachment { try await unmountRecorded(attachment, of: progress.stored) }
    }

    /// - Returns: the clients that are gone with their devices.
    private func undoMapping(_ progress: AttachProgress, _ volume: VolumeRecord) async throws -> Set<ClientAddress> {
        if case .none = progress.mapping { return progress.unmapped }
        let devices =
            switch progress.mapping {
            case .none: [MappedDevice]()
            case .made(let device), .found(let device): [device]
            case .unknown: try await devicesToGiveBack(of: volume, recorded: progress.stored.attachment?.record)
            }
        var gone = progress.unmapped
        for device in devices {
            if let client = try await clientEnded(withUnmapping: device) { gone.insert(client) }
        }
        return gone
    }

    /// Leaves the claim standing without mount ids: nobody uses it, and whoever comes next finishes it.
    func keepClaim(_ progress: AttachProgress) async {
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
