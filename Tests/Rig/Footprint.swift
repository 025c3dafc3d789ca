/// Everything that a plugin has made in the world for some volumes: images in Ceph, records in etcd, and what the
/// kernel holds. Two that are equal prove that a failed call left nothing behind.
public struct Footprint: Equatable, Sendable {
    /// `pool/image`, sorted; not those in namespaces.
    public let images: [String]
    /// Keys of volumes and mounts; not the node's own heartbeat.
    public let records: [String]
    public let kernel: KernelState

    /// - Parameter stem: starts the names of the volumes that count, for other tests make images in the same pools.
    public init(of plugin: PluginProcess, volumesStartingWith stem: String) async throws {
        let (rig, ceph) = (plugin.environment, CephRig(plugin.environment))
        var images: [String] = []
        for pool in [rig.pool, rig.dataPool, rig.otherPool, rig.closedPool] {
            images += try await ceph.images(in: pool).filter { $0.hasPrefix(stem) }.map { "\(pool)/\($0)" }
        }
        self.images = images.sorted()
        records = try await EtcdRig(rig).keys(plugin.settings.etcdPrefix).filter {
            !$0.contains("/nodes/") && !$0.hasSuffix("/cluster")
        }
        kernel = plugin.kernelState
    }

    public var isEmpty: Bool { images.isEmpty && records.isEmpty && kernel.isEmpty }
}

extension Footprint: CustomStringConvertible {
    public var description: String {
        guard !isEmpty else { return "nothing" }
        let lines = images.map { "image: \($0)" } + records.map { "record: \($0)" }
        return (lines + (kernel.isEmpty ? [] : [kernel.description])).joined(separator: "\n")
    }
}
