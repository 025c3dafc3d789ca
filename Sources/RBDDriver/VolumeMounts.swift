import Logging
import VolumeCore

/// Where a volume's devices are mounted: at the mount root, under the volume's name. The setting for the mount root may have
/// changed under mounted volumes. Then the record of the mount says where that is; but anybody may have written it who may
/// write to etcd, so it is followed only to a place that is named after the volume, and where the kernel shows the device of
/// the volume's own image.
extension VolumeDriver {
    /// Where the record says that the volume is mounted on this node, as far as that can be believed.
    /// - Returns: `nil` when it says nothing, or something that nothing confirms.
    func believedMountpoint(_ attachment: Attachment, of stored: StoredVolume) async throws -> String? {
        guard let recorded = attachment.mountpoint else { return nil }
        if recorded == settings.mountpoint(of: stored.name) { return recorded }
        guard let former = formerMountpoint(attachment, of: stored.name), let volume = stored.volume?.record,
            let exposed = attachment.exposed, try await ports.mounter.mounted(at: former)?.device == exposed
        else { return nil }
        let known = try await ports.mapper.mapped() + ports.mapper.deadMappings()
        let isIts = known.contains { $0.exposed == exposed && rules.relation($0, volume, attachment) == .itsImage }
        return isIts ? former : nil
    }

    /// The recorded mountpoint below what may have been the mount root; `nil` when it is not named after the volume.
    func formerMountpoint(_ attachment: Attachment, of name: VolumeName) -> String? {
        guard let recorded = attachment.mountpoint, recorded != settings.mountpoint(of: name),
            recorded.hasPrefix("/"), recorded.hasSuffix("/\(name)"), !PathSteps.of(recorded).contains("..")
        else { return nil }
        return recorded
    }

    /// Where the plugin has mounted the device for the volume: at its mountpoint, or below what was the mount root then.
    func mountpoints(of device: MappedDevice, _ name: VolumeName) async throws -> [String] {
        var found: [String] = []
        let usual = settings.mountpoint(of: name)
        if try await ports.mounter.mounted(at: usual)?.device == device.exposed { found.append(usual) }
        let others = try await ports.mounter.mountpoints(of: device.exposed).filter {
            $0 != usual && $0.hasSuffix("/\(name)")
        }
        // People mount what they have mapped at places of their own.
        if !others.isEmpty, try await ports.mapper.isOwn(device) { found += others }
        return found
    }

    func mountpoint(of device: MappedDevice, _ name: VolumeName) async throws -> String? {
        try await mountpoints(of: device, name).first
    }

    /// Takes the volume's mount away: from its mountpoint, else from where the record says. What else is mounted there is left
    /// alone.
    /// - Throws: `VolumeError` with code `busy` while it is in use; `unexplained` when it cannot be told whether it is the
    ///   volume's.
    func unmountRecorded(_ attachment: Attachment, of stored: StoredVolume) async throws {
        guard let volume = stored.volume?.record else { return }
        let usual = settings.mountpoint(of: stored.name)
        let former = formerMountpoint(attachment, of: stored.name)
        switch try await unmount(usual, attachment, volume) {
        case .volume: return
        // Its folder may still be there.
        case .nothing: if former == nil { try await ports.mounter.unmount(usual, of: attachment.exposed) }
        case .somethingElse: break
        }
        if let former { _ = try await unmount(former, attachment, volume) }
    }

    /// Takes away what is mounted there if it is the volume's.
    /// - Returns: what was mounted there.
    private func unmount(
        _ mountpoint: String, _ attachment: Attachment, _ volume: VolumeRecord
    ) async throws -> FoundMount {
        guard let device = try await ports.mounter.mounted(at: mountpoint)?.device else { return .nothing }
        guard try await isVolumes(device, at: mountpoint, attachment, volume) else {
            log.warning(
                "left alone a mount that is not the volume's",
                metadata: ["volume": "\(volume.name)", "device": "\(device)", "mountpoint": "\(mountpoint)"])
            return .somethingElse
        }
        try await ports.mounter.unmount(mountpoint, of: device)
        return .volume
    }

    /// Whether what is mounted there is the volume's. A device that the mapper does not know, as when its notes are lost, is
    /// believed to be it only where the plugin mounts the volume anyway.
    private func isVolumes(
        _ path: String, at mountpoint: String, _ attachment: Attachment, _ volume: VolumeRecord
    ) async throws -> Bool {
        let known = try await ports.mapper.mapped() + ports.mapper.deadMappings()
        if let device = known.first(where: { $0.exposed == path }) {
            switch rules.relation(device, volume, attachment) {
            case .itsImage: return true
            case .unknownOfItsName: return try await ports.mapper.isOwn(device)
            case .anotherOfItsName, .unrelated: return false
            }
        }
        guard attachment.exposed == path else { return false }
        if mountpoint == settings.mountpoint(of: volume.name) { return true }
        throw VolumeError(
            .unexplained, "unmount volume \(volume.name)",
            why:
                "\(path) is mounted at \(mountpoint), which is outside \(settings.mountRoot), and the mapper does not know it",
            remedy:
                "start the plugin with the mount root and RBD_MAPPER that it was mounted with, or unmount it by hand",
            outcome: .refused)
    }
}

/// What is mounted at a place where a volume may be.
private enum FoundMount {
    case nothing
    case volume
    case somethingElse
}
