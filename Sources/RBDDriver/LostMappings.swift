import Logging
import VolumeCore

/// Mappings of volumes that another node has taken over while this one was cut off or asleep. Their writes fail for
/// good; all that can be done is to let go of them.
extension VolumeDriver {
    /// Unmounts and unmaps what this node still has of a volume that the records do not give to it. Runs in the volume's
    /// turn, so that nothing here is just being mapped.
    /// - Throws: `VolumeError` with code `busy` when something still has a file of it open.
    func detachLost(_ stored: StoredVolume) async throws {
        let isHeldHere = isHeldHere(stored)
        for device in try await ports.mapper.mapped() {
            switch relation(of: device, to: stored) {
            case .unrelated: continue
            case .anotherOfItsName:
                try await unmapNamesake(device, stored.name)
                continue
            case .itsImage, .unknownOfItsName: if isHeldHere { continue }
            }
            var isOurs = try await isMounted(device, stored.name) || isBeingFenced(device, stored)
            // Killed right after mapping, when another node had taken the claim: nobody could have fenced what was not yet.
            if !isOurs { isOurs = try await ports.mapper.isOwn(device) }
            if !isOurs { isOurs = try await isShutOut(device) }
            guard isOurs else {
                log.warning(
                    "left alone a mapping of a volume's image that this plugin did not make",
                    metadata: ["volume": "\(stored.name)", "device": "\(device.path)"])
                continue
            }
            try await detach(lost: device, stored.name)
        }
        if !isHeldHere { try await clearDeadMount(stored, to: "let go of") }
    }

    /// A volume that was removed since has no record that says which its image was: its name alone tells too little.
    private func relation(of device: MappedDevice, to stored: StoredVolume) -> DeviceRelation {
        guard let volume = stored.volume?.record else {
            return device.image.name == stored.name.text ? .unknownOfItsName : .unrelated
        }
        return rules.relation(device, volume, stored.attachment?.record)
    }

    /// Whether the records give the volume to this node, and let it have it mapped.
    private func isHeldHere(_ stored: StoredVolume) -> Bool {
        guard let attachment = stored.attachment?.record else { return false }
        return attachment.owner == me && attachment.state != .fencing
    }

    /// Whether a take-over that is under way names the device's client.
    private func isBeingFenced(_ device: MappedDevice, _ stored: StoredVolume) -> Bool {
        guard let client = device.client else { return false }
        return stored.attachment?.record.fenced?.clients.contains(client) ?? false
    }

    func isMounted(_ device: MappedDevice, _ name: VolumeName) async throws -> Bool {
        try await mountpoint(of: device, name) != nil
    }

    /// Whether nothing can be read or written through the device ever again.
    func isShutOut(_ device: MappedDevice) async throws -> Bool {
        guard let client = device.client else { return false }
        return try await ports.fence.isBlocklisted(client)
    }

    func detach(lost device: MappedDevice, _ name: VolumeName) async throws {
        await endTrim(of: name)
        for mountpoint in try await mountpoints(of: device, name) {
            // Nothing written to it gets anywhere. Frozen it could not be unmapped, by whomever it was frozen.
            _ = try? await ports.filesystems.thaw(device.exposed, mountpoint: mountpoint)
            try await ports.mounter.unmount(mountpoint, of: device.exposed)
        }
        let ended = try await clientEnded(withUnmapping: device)
        log.warning(
            "let go of a volume that another node has taken over",
            metadata: ["volume": "\(name)", "device": "\(device.path)"])
        if let ended { await allowAgain(ended) }
    }

    /// The client is gone with its mapping: its entry protects nothing any more. Many users may not remove entries; then
    /// it stays, which does no harm.
    func allowAgain(_ client: ClientAddress) async {
        do {
            try await ports.fence.allow(client)
        } catch {
            log.info(
                "could not remove the blocklist entry of a client that is gone",
                metadata: ["client": "\(client)", "error": "\(error)"])
        }
    }
}
