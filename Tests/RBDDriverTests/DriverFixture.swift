import InMemoryPorts
import Logging
import RBDDriver
import Testing
import VolumeCore

/// Swift Testing has an `Attachment` too; in these tests the word means the volume's.
typealias Attachment = VolumeCore.Attachment

/// The driver on simulated nodes.
enum DriverFixture {
    static let options = ["pool": "rbd", "size": "206"]
    static let mountRoot = "/mnt/volumes"

    static func driver(
        _ cluster: SimulatedCluster, on node: String = "a", operationsPerPool: Int = 16
    ) -> VolumeDriver {
        VolumeDriver(cluster.startPlugin(on: node), operationsPerPool: operationsPerPool)
    }

    /// Node a has volume `db` mounted and counted, something is written on it, and the mapping is dead.
    static func deadMount(_ cluster: SimulatedCluster) async throws -> (driver: VolumeDriver, client: ClientAddress) {
        let driver = driver(cluster)
        try await driver.create("db", options: options)
        let mountpoint = try await driver.mount("db", id: "m1")
        try cluster.mutate { try $0.write("one", on: "a", at: mountpoint) }
        let client = try #require(cluster.world.etcd.attachments.values.first?.record.clients.first)
        for device in cluster.world.devices(of: "a") { cluster.mutate { $0.killMapping(device, on: "a") } }
        return (driver, client)
    }
}

extension VolumeDriver {
    init(
        _ ports: NodePorts, store: (any VolumeStore)? = nil, operationsPerPool: Int = 16,
        limits: VolumeLimits = VolumeLimits(allowsAdoption: true),
        defaults: VolumeDefaults = VolumeDefaults(), poolHealth: any PoolHealth = UnknownPoolHealth()
    ) {
        self.init(
            ports: DriverPorts(
                store: store ?? ports.store, policyStore: ports.policies, catalog: ports.catalog,
                nodes: ports.directory,
                images: ports.images,
                snapshots: ports.snapshots, formatter: ports.formatter, mapper: ports.mapper,
                filesystems: ports.filesystems,
                mounter: ports.mounter, limiter: ports.limiter, policies: ports.catalog, fence: ports.fence,
                formerClients: ports.formerClients,
                poolHealth: poolHealth, clock: ports.clock, tokens: ports.tokens),
            settings: DriverSettings(
                mountRoot: DriverFixture.mountRoot, defaults: defaults, limits: limits,
                operationsPerPool: operationsPerPool),
            me: ports.identity,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

extension World {
    var imageNames: [String] { ceph.images.keys.map(\.name).sorted() }

    func mounts(of node: String) -> [String] { (nodes[node]?.kernel.mounts ?? []).map(\.mountpoint) }

    func devices(of node: String) -> [String] { (nodes[node]?.kernel.devices ?? [:]).keys.sorted() }

    /// What an operation on volume `db` left behind that it should not have; empty when all is gone.
    var leftovers: [String] {
        let kernels = nodes.keys.sorted().flatMap { node in
            devices(of: node).map { "device \($0) on \(node)" } + mounts(of: node).map { "mount \($0) on \(node)" }
        }
        let records =
            etcd.volumes.keys.map { "record of volume \($0)" } + etcd.attachments.keys.map { "mount of \($0)" }
            + etcd.readers.keys.map { "readers of \($0)" }
        return imageNames.map { "image \($0)" } + kernels + records
    }
}

/// What an operator's command at a desk acts with.
extension RequestActions {
    init(_ ports: NodePorts) {
        self.init(
            store: ports.store, snapshots: ports.snapshots, clock: ports.clock, tokens: ports.tokens,
            me: "operator@\(ports.identity.node)")
    }
}

extension SnapshotActions {
    init(_ ports: NodePorts) {
        self.init(
            store: ports.store, snapshots: ports.snapshots, requests: RequestActions(ports), clock: ports.clock,
            tokens: ports.tokens, me: "operator@\(ports.identity.node)")
    }
}
