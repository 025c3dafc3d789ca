import Logging
import VolumeCore

/// Which of this node's devices are a volume's. Images are known by their id: a device that bears the name of the volume's
/// image may be of an image that was renamed or removed since, and what is written there is lost to the volume.
extension VolumeDriver {
    /// The devices to mount the volume from: those of its own image that can still write. Those that are shut out of Ceph are
    /// given back.
    /// - Parameter recorded: the record of the volume's mount.
    /// - Throws: `VolumeError` when it cannot be told of a device whether it is one of them.
    func usableDevices(of volume: VolumeRecord, recorded: Attachment?) async throws -> [MappedDevice] {
        var usable: [MappedDevice] = []
        for device in try await ports.mapper.mapped() {
            switch rules.relation(device, volume, recorded) {
            case .unrelated: continue
            case .itsImage:
                if try await isShutOut(device) {
                    try await detach(lost: device, volume.name)
                } else {
                    usable.append(device)
                }
            case .anotherOfItsName: try await unmapNamesake(device, volume.name)
            case .unknownOfItsName: try await giveBackUnknown(device, volume)
            }
        }
        return usable
    }

    /// The device that the record of the mount names, if it is mapped and the volume's.
    func recordedDevice(of volume: VolumeRecord, _ attachment: Attachment) async throws -> MappedDevice? {
        try await mapped(at: attachment.device).flatMap { device in
            rules.relation(device, volume, attachment) == .itsImage ? device : nil
        }
    }

    /// What is mapped at the path; `nil` when nothing is.
    func mapped(at path: String?) async throws -> MappedDevice? {
        try await ports.mapper.mapped().first { $0.path == path }
    }

    /// The devices that have to be given back when the volume is let go of: its own, and those that the plugin had just
    /// mapped when it was killed, before it could note which image they are. Nobody has ever mounted the latter.
    func devicesToGiveBack(of volume: VolumeRecord, recorded: Attachment?) async throws -> [MappedDevice] {
        var found: [MappedDevice] = []
        for device in try await ports.mapper.mapped() {
            switch rules.relation(device, volume, recorded) {
            case .itsImage: found.append(device)
            case .unknownOfItsName: if try await ports.mapper.isOwn(device) { found.append(device) }
            case .anotherOfItsName, .unrelated: continue
            }
        }
        return found
    }

    /// Unmaps the device.
    /// - Returns: its client, when that is certain to be gone with it.
    func clientEnded(withUnmapping device: MappedDevice) async throws -> ClientAddress? {
        try await ports.mapper.unmap(device) ? device.client : nil
    }

    /// Lets go, without force, of a device of another image that has had the name, if it is the plugin's own: of a volume that
    /// was taken over, removed and created anew while this node slept. No record can give it to this node again. What people
    /// have mapped by hand is left to them: it is in nobody's way.
    func unmapNamesake(_ device: MappedDevice, _ name: VolumeName) async throws {
        guard try await ports.mapper.isOwn(device) else {
            log.warning(
                "left alone a device that has the name of a volume's image but holds another image",
                metadata: ["volume": "\(name)", "device": "\(device.path)", "image-id": "\(device.imageID ?? "?")"])
            return
        }
        do {
            try await detach(lost: device, name)
        } catch let error as VolumeError where error.code == .busy {
            // At the volume's mountpoint it is in the way.
            if try await isMounted(device, name) { throw error }
            log.step(
                "a device of a former image with the volume's name is still in use", name, ["device": "\(device.path)"])
        }
    }

    private func giveBackUnknown(_ device: MappedDevice, _ volume: VolumeRecord) async throws {
        guard try await ports.mapper.isOwn(device) else {
            throw VolumeError(
                .unexplained, "mount volume \(volume.name)",
                why:
                    "\(device.path) is mapped under the name of its image, and the plugin cannot tell which image it is",
                remedy: "unmap \(device.path) if nothing needs it, or else rename its image",
                outcome: .refused)
        }
        try await ports.mapper.unmap(device)
    }
}
