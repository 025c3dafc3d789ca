import Logging
import VolumeCore

/// Where a volume's devices are mounted. The setting for the mount root may have changed under mounted volumes: the record of
/// a mount says where that is, and is believed as far as the kernel and the mapper confirm it.
extension VolumeDriver {
    /// Where the plugin has mounted the device for the volume: at its mountpoint, or below what was the mount root then.
    func mountpoints(of device: MappedDevice, _ name: VolumeName) async throws -> [String] {
        var found: [String] = []
        let usual = policy.mountpoint(of: name)
        if try await ports.mounter.mounted(at: usual)?.device == device.path { found.append(usual) }
        let others = try await ports.mounter.mountpoints(of: device.path).filter {
            $0 != usual && $0.hasSuffix("/\(name)")
        }
        // People mount what they have mapped at places of their own.
        if !others.isEmpty, try await ports.mapper.isOwn(device) { found += others }
        return found
    }

    func mountpoint(of device: MappedDevice, _ name: VolumeName) async throws -> String? {
        try await mountpoints(of: device, name).first
    }

    /// Takes the mount away that the record tells of. What else is mounted there is left alone.
    /// - Throws: `VolumeError` with code `busy` while it is in use; `unexplained` when it cannot be told whether it is the
    ///   volume's.
    func unmountRecorded(_ attachment: Attachment, of stored: StoredVolume) async throws {
        guard let volume = stored.volume?.record else { return }
        let usual = policy.mountpoint(of: stored.name)
        let mountpoint = attachment.mountpoint ?? usual
        guard let device = try await ports.mounter.mounted(at: mountpoint)?.device else {
            // Its folder may still be there.
            if mountpoint == usual { try await ports.mounter.unmount(usual, of: attachment.device) }
            return
        }
        guard try await isVolumes(device, at: mountpoint, attachment, volume) else {
            log.warning(
                "left a mount alone that is not the volume's",
                metadata: ["volume": "\(stored.name)", "device": "\(device)", "mountpoint": "\(mountpoint)"])
            return
        }
        try await ports.mounter.unmount(mountpoint, of: device)
    }

    /// Whether what is mounted there is the volume's. A device that the mapper does not know, as when its notes are lost, is
    /// believed to be it only where the plugin mounts the volume anyway.
    private func isVolumes(
        _ path: String, at mountpoint: String, _ attachment: Attachment, _ volume: VolumeRecord
    ) async throws -> Bool {
        let known = try await ports.mapper.mapped() + ports.mapper.deadMappings()
        if let device = known.first(where: { $0.path == path }) {
            switch rules.relation(device, volume, attachment) {
            case .itsImage: return true
            case .unknownOfItsName: return try await ports.mapper.isOwn(device)
            case .anotherOfItsName, .unrelated: return false
            }
        }
        guard attachment.device == path else { return false }
        if mountpoint == policy.mountpoint(of: volume.name) { return true }
        throw VolumeError(
            .unexplained, "unmount volume \(volume.name)",
            why:
                "\(path) is mounted at \(mountpoint), which is outside of \(policy.mountRoot), and the mapper does not know it",
            remedy:
                "start the plugin with the mount root and RBD_MAPPER that it was mounted with, or unmount it by hand",
            outcome: .refused)
    }
}
