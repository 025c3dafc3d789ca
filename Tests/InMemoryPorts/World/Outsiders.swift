import VolumeCore

/// What people and other programs do to Ceph without asking the plugin.
extension World {
    /// Puts an image there that no volume knows of.
    public mutating func plant(_ image: SimulatedImage, as reference: ImageReference) {
        ceph.images[reference] = image
    }

    /// Damages the filesystem on an image so that a person has to look at it.
    public mutating func damage(_ reference: ImageReference) {
        ceph.images[reference]?.filesystem?.isDamaged = true
    }

    /// Leaves errors on an ext4 filesystem that `e2fsck -p` repairs.
    public mutating func disorder(_ reference: ImageReference) {
        ceph.images[reference]?.filesystem?.needsRepair = true
    }

    /// Maps an image on a node by hand, as `rbd map` does.
    public mutating func mapByHand(_ image: ImageReference, on name: String) throws -> MappedDevice {
        MappedDevice(try map(image, options: [], on: name))
    }

    /// Whether a plugin process runs on the node.
    public func isPluginRunning(on name: String) -> Bool { nodes[name]?.process != nil }
}

extension SimulatedImage {
    /// What applications wrote and is on disk.
    public var records: [String] { filesystem?.records ?? [] }
}
