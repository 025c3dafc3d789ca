import InMemoryPorts
import VolumeCore

/// What must hold of volumes that any number of nodes read.
struct SharedChecks {
    /// How often the filesystem of each image had been written to when its volume became ready, by id.
    private var sequences: [String: Int] = [:]
    private var revision: Int64 = 0

    /// - Parameter heardDead: the boots that any node has ever been told not to be alive.
    /// - Returns: what does not hold.
    mutating func look(_ world: World, _ heardDead: Set<NodeIdentity>) -> [(Violation.Invariant, String)] {
        var found = writable(world)
        noteReady(world)
        guard !sequences.isEmpty else { return found }
        for image in world.ceph.images.values {
            guard let before = sequences[image.id], let now = image.filesystem?.sequence, now != before else {
                continue
            }
            found.append((.sharedIsReadOnly, "image \(image.id), which many may read, was written to"))
        }
        for node in world.nodes.values where !heardDead.contains(node.identity) {
            for path in node.kernel.superblocks.keys {
                guard let image = node.kernel.devices[path]?.imageID, sequences[image] != nil,
                    world.ceph.reference(of: image) == nil
                else { continue }
                found.append((.readersKeepTheirImage, "image \(image) went away under its mount on \(node.name)"))
            }
        }
        return found
    }

    /// Whatever is mounted on two nodes, no device of a node's writes to it.
    private func writable(_ world: World) -> [(Violation.Invariant, String)] {
        func isOfUse(_ device: SimulatedDevice) -> Bool { !device.isBroken && !world.isFenced(device.client) }
        let nodes = world.nodes.values.filter { $0.name != Setup.stranger && !$0.kernel.devices.isEmpty }
        guard nodes.count > 1 else { return [] }
        var mounted: [String: Set<String>] = [:]
        for node in nodes {
            for path in node.kernel.superblocks.keys {
                guard let device = node.kernel.devices[path], isOfUse(device) else { continue }
                mounted[device.imageID, default: []].insert(node.name)
            }
        }
        let shared = mounted.filter { $0.value.count > 1 }
        guard !shared.isEmpty else { return [] }
        return nodes.flatMap { node in
            node.kernel.mappings.filter { shared[$0.imageID] != nil && !$0.isReadOnly && isOfUse($0) }.map { device in
                let readers = shared[device.imageID, default: []].sorted().joined(separator: " and ")
                return (
                    Violation.Invariant.sharedIsReadOnly,
                    "image \(device.imageID) is mounted on \(readers), and can be written by \(device.client) on \(node.name)"
                )
            }
        }
    }

    private mutating func noteReady(_ world: World) {
        guard world.etcd.revision != revision else { return }
        revision = world.etcd.revision
        for stored in world.etcd.volumes.values where stored.record.isShared && stored.record.phase == .ready {
            guard let id = stored.record.imageID, sequences[id] == nil,
                let image = world.ceph.images.values.first(where: { $0.id == id })
            else { continue }
            sequences[id] = image.filesystem?.sequence
        }
    }
}
