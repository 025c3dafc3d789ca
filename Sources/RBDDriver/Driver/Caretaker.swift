import Logging
import VolumeCore

extension VolumeDriver {
    /// One round of what has to be done without being called: Unmounts that failed, mounts that nobody uses, volumes
    /// that another node has taken over. Each volume in its own turn; what fails is tried again in the next round.
    public func tendAll() async {
        for unmount in memory.takePostponed() {
            do { try await self.unmount(unmount.name.text, id: unmount.id) } catch {
                log.debug("an unmount is still not possible", metadata: ["volume": "\(unmount.name)"])
            }
        }
        for stored in ports.catalog.all() where stored.attachment?.record.owner == me {
            await attempt("tend to", stored.name) { try await tend(stored.name) }
        }
        await letGoOfLost()
    }

    /// Unmounts and unmaps volumes that this node has mapped and that the records give to another: it was fenced while
    /// it was cut off or asleep. Their writes fail already; this makes the node usable again.
    private func letGoOfLost() async {
        guard ports.catalog.isLoaded, let devices = try? await ports.mapper.mapped() else { return }
        let volumes = Dictionary(
            ports.catalog.all().compactMap { stored in stored.volume.map { ($0.record.image, stored) } },
            uniquingKeysWith: { first, _ in first })
        for device in devices {
            guard let stored = volumes[device.image], stored.attachment?.record.owner != me else { continue }
            await attempt("let go of", stored.name) {
                try await operation("let go of", stored.name) { try await letGo(of: device, stored.name) }
            }
        }
    }

    private func letGo(of device: MappedDevice, _ name: VolumeName) async throws {
        let stored = try await read(name)
        guard stored.attachment?.record.owner != me else { return }
        guard try await ports.mapper.mapped().contains(device) else { return }
        let mountpoint = policy.mountpoint(of: name)
        let isMountedHere = try await ports.mounter.mounted(at: mountpoint)?.device == device.path
        let isShutOut = try await isMountedHere ? true : isShutOut(device)
        guard isShutOut else {
            log.warning(
                "a volume's image is mapped here, and not by this plugin; left alone",
                metadata: ["volume": "\(name)", "device": "\(device.path)"])
            return
        }
        if isMountedHere { try await ports.mounter.unmount(mountpoint) }
        try await ports.mapper.unmap(device)
        log.warning(
            "let go of a volume that another node has taken over",
            metadata: ["volume": "\(name)", "device": "\(device.path)"])
        if let client = device.client { await allowAgain(client) }
    }

    private func isShutOut(_ device: MappedDevice) async throws -> Bool {
        guard let client = device.client else { return false }
        return try await ports.fence.isBlocklisted(client)
    }

    /// The client is gone with its mapping: its entry protects nothing any more. Many users may not remove entries; then
    /// it stays, which does no harm.
    private func allowAgain(_ client: ClientAddress) async {
        do {
            try await ports.fence.allow(client)
        } catch {
            log.info(
                "the blocklist entry of a client that is gone stays",
                metadata: ["client": "\(client)", "reason": "\(error)"])
        }
    }

    private func attempt(_ verb: String, _ name: VolumeName, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            log.warning(
                "could not put a volume in order; it is tried again",
                metadata: ["volume": "\(name)", "verb": "\(verb)", "error": "\(error)"])
        }
    }
}
