import VolumeCore

/// What a simulation needs to see and to set that no port shows.
extension World {
    /// The boot of the node whose heartbeat lives, if one does.
    public func livingBoot(of name: String) -> String? {
        guard let boot = nodes[name]?.heartbeat?.boot,
            isAlive(NodeIdentity(node: name, boot: boot))
        else { return nil }
        return boot
    }

    /// How long the world takes for what is `duration` on the node's clock.
    public func worldTime(of duration: Duration, on name: String) -> Duration {
        duration * 1000 / max(1, nodes[name]?.clockPace ?? 1000)
    }

    /// Whether the client's blocklist entry stands.
    public func isFenced(_ client: ClientAddress) -> Bool { ceph.isBlocklisted(client, at: now) }

    /// How long the client's blocklist entry will still stand; `nil` when there is none.
    public func timeLeftOnBlocklist(_ client: ClientAddress) -> Duration? {
        ceph.blocklist[client].flatMap { $0 > now ? $0 - now : nil }
    }

    /// Whether Ceph or a kernel still counts on the client: it has the image mapped, watches it or holds its lock.
    public func mayWrite(_ client: ClientAddress, _ image: String) -> Bool {
        let isMapped = nodes.values.contains { node in
            node.kernel.mappings.contains { $0.imageID == image && $0.client == client && !$0.isBroken }
        }
        let holdsLock = ceph.reference(ofImage: image).map { ceph.images[$0]?.lockOwner == client } ?? false
        return isMapped || holdsLock || watchers(ofImage: image).contains(client)
    }

    /// Whether no mapper knows of the device any more, and Ceph takes nothing from it: it is of no use, and no danger.
    public func isLostAndShutOut(_ device: SimulatedDevice) -> Bool { device.isOutOfSight && isFenced(device.client) }

    /// Whether a node has a device that is this client, and its mapper knows of it.
    public func isKnownToBeMapped(_ client: ClientAddress) -> Bool {
        nodes.values.contains { $0.kernel.devices.values.contains { $0.client == client && !$0.isOutOfSight } }
    }

    /// Whether containers use a filesystem through the client's device.
    public func hasContainers(_ client: ClientAddress) -> Bool {
        nodes.values.contains { node in
            node.kernel.devices.values.contains {
                $0.client == client && node.kernel.superblocks[$0.path]?.containers.isEmpty == false
            }
        }
    }

    /// Whether the client's device refuses every write.
    public func isReadOnly(_ client: ClientAddress) -> Bool {
        nodes.values.contains { $0.kernel.mappings.contains { $0.client == client && $0.isReadOnly } }
    }

    /// Whether a filesystem is in use through the client's device.
    public func isMounted(_ client: ClientAddress) -> Bool {
        nodes.values.contains { node in
            node.kernel.devices.values.contains { $0.client == client && node.kernel.superblocks[$0.path] != nil }
        }
    }

    /// A person ends those mappings that no mapper knows of and that are shut out, or that no record names either.
    public mutating func endLostMappings(of name: String) {
        let recorded = Set(etcd.attachments.values.flatMap { $0.record.clients })
        let isLost = { [self] (device: SimulatedDevice) in
            device.isOutOfSight && (isFenced(device.client) || !recorded.contains(device.client))
        }
        for device in (nodes[name]?.kernel.devices ?? [:]).values.sorted(by: { $0.path < $1.path }).filter(isLost) {
            nodes[name]?.kernel.mounts.removeAll { $0.device == device.path }
            nodes[name]?.kernel.superblocks[device.path] = nil
            release(device, on: name)
        }
        for device in (nodes[name]?.kernel.leftovers ?? []).filter(isLost) { endLeftover(device.client, on: name) }
    }

    /// `ceph osd blocklist rm` by hand, of all entries that end within a day.
    public mutating func liftShortEntries() {
        for (client, end) in ceph.blocklist where end < now + .seconds(86_400) { allow(client) }
    }

    /// `rbd rm` by hand.
    public mutating func takeAway(_ reference: ImageReference) { ceph.images[reference] = nil }
}
