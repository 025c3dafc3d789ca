import Logging
import VolumeCore

extension VolumeDriver {
    /// One round of what has to be done without being called: Unmounts that failed, mounts that nobody uses, volumes
    /// that another node has taken over. Each volume in its own turn; what fails is tried again in the next round.
    ///
    /// All pools at the same time. A pool of which a former round is still at work is left to that one: when it hangs, the
    /// next rounds are for the others.
    public func reconcileAll() async {
        let devices = ports.catalog.isLoaded ? await devicesLeft() : []
        let searched = poolsToSearch()
        var pools = searched
        pools.formUnion(memory.postponed.map { pool(of: $0.name) })
        pools.formUnion(ports.catalog.unsettled().map(\.pool))
        pools.formUnion(devices.map(\.image.pool))
        let all = pools.sorted()
        await withTaskGroup(of: Void.self) { group in
            for pool in all {
                group.addTask {
                    await rounds.takeIfFree(pool) {
                        await reconcile(pool, devices.filter { $0.image.pool == pool })
                        if searched.contains(pool) { await removeOrphans(in: pool) }
                    }
                }
            }
        }
    }

    /// What is mapped here, and what is left of mappings that died.
    private func devicesLeft() async -> [MappedDevice] {
        let mapped = (try? await ports.mapper.mapped()) ?? []
        return await mapped + deadMounts()
    }

    private func reconcile(_ pool: String, _ devices: [MappedDevice]) async {
        for unmount in memory.postponed where self.pool(of: unmount.name) == pool {
            do { try await unmountPostponed(unmount) } catch {
                log.debug("the volume still cannot be unmounted", metadata: ["volume": "\(unmount.name)"])
            }
        }
        for stored in held where stored.pool == pool {
            await attempt("tend to", stored.name) { try await reconcile(stored.name) }
        }
        await detachLost(devices)
        await unmapUnfinished(devices)
        await clearUpCreates(in: pool)
    }

    /// The pool of the volume's image, as far as this node's copy knows.
    func pool(of name: VolumeName) -> String { ports.catalog.find(name)?.pool ?? "" }

    /// Unmounts and unmaps volumes that this node has mapped and that the records give to another: it was fenced while
    /// it was cut off or asleep. Their writes fail already; this makes the node usable again.
    private func detachLost(_ devices: [MappedDevice]) async {
        for device in devices {
            let known = volume(of: device.image)
            if let known, known.attachment?.record.owner == me, await !isOwnNamesake(device, of: known) { continue }
            var name = known?.name
            if known == nil { name = await removedVolume(stillMountedFrom: device) }
            guard let name else { continue }
            await attempt("let go of", name) {
                try await operation("let go of", name) {
                    try await inFreeSlot(of: device.image.pool) { try await detachLost(try await read(name)) }
                }
            }
        }
    }

    /// Whether this plugin mapped the device when the name of the volume's image was another image's.
    private func isOwnNamesake(_ device: MappedDevice, of stored: StoredVolume) async -> Bool {
        guard let volume = stored.volume?.record,
            rules.relation(device, volume, stored.attachment?.record) == .anotherOfItsName
        else { return false }
        return (try? await ports.mapper.isOwn(device)) == true
    }

    private func volume(of image: ImageReference) -> StoredVolume? {
        guard let name = try? VolumeName(image.name), let stored = ports.catalog.find(name) else { return nil }
        return stored.volume?.record.image == image ? stored : nil
    }

    /// The volume that was mounted here from the device and has been removed since: elsewhere, after this node was fenced.
    private func removedVolume(stillMountedFrom device: MappedDevice) async -> VolumeName? {
        guard let name = try? VolumeName(device.image.name), let isOurs = try? await isMounted(device, name) else {
            return nil
        }
        return isOurs ? name : nil
    }

    /// Unmaps unfinished images whose Create was killed while it formatted them: only this node can, and as long as they
    /// are mapped nobody can remove them. In the volume's turn no Create is at it.
    private func unmapUnfinished(_ devices: [MappedDevice]) async {
        for device in devices {
            guard let uid = VolumeRecord.uid(ofUnfinishedImage: device.image.name) else { continue }
            if let name = ports.catalog.compactMap({ $0.volume?.record.uid == uid ? $0.name : nil }).first {
                guard !turns.isTaken(name) else { continue }
                await attempt("let go of an unfinished image of", name) {
                    try await operation("let go of", name) {
                        try await inFreeSlot(of: device.image.pool) { try await ports.mapper.unmap(device) }
                    }
                }
            } else {
                try? await inFreeSlot(of: device.image.pool) { try await ports.mapper.unmap(device) }
            }
        }
    }

    func attempt(_ verb: String, _ name: VolumeName, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch let error as VolumeError where [.busy, .inUse, .checking].contains(error.code) {
            // Somebody uses it, or died a moment ago: no reason to say so every round.
            log.debug(
                "cannot put a volume in order while it is in use",
                metadata: ["volume": "\(name)", "operation": "\(verb)", "error": "\(error)"])
        } catch {
            log.warning(
                "could not put a volume in order; trying again later",
                metadata: ["volume": "\(name)", "operation": "\(verb)", "error": "\(error)"])
        }
    }
}
