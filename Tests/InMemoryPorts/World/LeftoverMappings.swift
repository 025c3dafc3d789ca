import VolumeCore

/// Mappings by a process whose device the kernel gives back with its last mount, as loop devices can be: the process is
/// left, and its client has the image open, until somebody ends it.
extension World {
    public mutating func giveBackWithLastMount(on name: String) { nodes[name]?.kernel.givesBackWithLastMount = true }

    /// A process that serves a device for reading has its image open like any other, and shows as a watcher.
    public mutating func watchForReading(on name: String) { nodes[name]?.kernel.watchesForReading = true }

    /// What listing does to the plugin's own devices that are mounted.
    mutating func haveMountedGivenBack(on name: String) {
        guard let kernel = nodes[name]?.kernel, kernel.givesBackWithLastMount else { return }
        for device in kernel.devices.values
        where device.isByPlugin && !device.isOutOfSight && kernel.superblocks[device.path] != nil {
            nodes[name]?.kernel.devices[device.path]?.goesWithLastMount = true
        }
    }

    /// What the kernel does when a filesystem is put to rest. Its path may be another device's from then on.
    mutating func giveBackUnmounted(_ path: String, on name: String) {
        guard let device = nodes[name]?.kernel.devices[path], device.goesWithLastMount, device.openers.isEmpty,
            !isHeld(path, on: name), !device.isBeingChecked
        else { return }
        nodes[name]?.kernel.devices[path] = nil
        nodes[name]?.kernel.leftovers.append(device)
    }

    /// Those that the mapper knows of and that no living process of the plugin is ending.
    mutating func claimLeftovers(on name: String, by process: Int) -> [SimulatedDevice] {
        var claimed: [SimulatedDevice] = []
        for (index, device) in (nodes[name]?.kernel.leftovers ?? []).enumerated()
        where !device.isOutOfSight && device.endedBy != process {
            nodes[name]?.kernel.leftovers[index].endedBy = process
            claimed.append(device)
        }
        return claimed
    }

    mutating func leaveLeftover(_ client: ClientAddress, on name: String) {
        for (index, device) in (nodes[name]?.kernel.leftovers ?? []).enumerated() where device.client == client {
            nodes[name]?.kernel.leftovers[index].endedBy = nil
        }
    }

    /// Ends the process. One that does not reach Ceph can only be killed, and counts there until its watch times out.
    mutating func endLeftover(_ client: ClientAddress, on name: String) {
        guard let node = nodes[name], let device = node.kernel.leftovers.first(where: { $0.client == client }) else {
            return
        }
        nodes[name]?.kernel.leftovers.removeAll { $0.client == client }
        if node.reaches(.ceph) {
            nodes[name]?.endedClients.insert(client)
            close(device)
        } else {
            let silentSince = node.cephLostAt ?? now
            if device.watches {
                ceph.orphanedWatches[device.imageID, default: [:]][client] = silentSince + ceph.watchTimeout
            }
            if !device.isOutOfSight, !device.isReadOnly { nodes[name]?.deadClients.insert(client) }
        }
    }

    /// - Returns: as the port does; `nil` while somebody else is ending it.
    mutating func unmapOrEnd(_ mapped: MappedDevice, on name: String, by process: Int) throws -> Bool? {
        if try unmap(mapped, on: name) { return true }
        let leftovers = nodes[name]?.kernel.leftovers ?? []
        guard let client = mapped.client, let left = leftovers.first(where: { $0.client == client && !$0.isOutOfSight })
        else { return mapped.client.map { nodes[name]?.endedClients.contains($0) == true } ?? false }
        if left.endedBy == process { return nil }
        endLeftover(client, on: name)
        return nodes[name]?.endedClients.contains(client) == true
    }
}
