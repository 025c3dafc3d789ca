import VolumeCore

/// Everything outside that the use cases touch, each behind its port.
public struct DriverPorts: Sendable {
    public var store: any VolumeStore
    public var policyStore: any PolicyStore
    public var catalog: any VolumeCatalog
    public var nodes: any NodeDirectory
    public var images: any ImageStore
    public var snapshots: any SnapshotStore
    public var formatter: any VolumeFormatter
    public var mapper: any DeviceMapper
    public var filesystems: any FilesystemTools
    public var mounter: any Mounter
    public var limiter: any IOLimiter
    public var policies: any PolicyCatalog
    public var fence: any Fence
    public var formerClients: any FormerClients
    public var poolHealth: any PoolHealth
    public var clock: any DriverClock
    public var tokens: any TokenSource
    /// Which set of records this is, once that is known: what the uids of new volumes begin with.
    public var home: @Sendable () -> String?

    public init(
        store: any VolumeStore, policyStore: any PolicyStore, catalog: any VolumeCatalog, nodes: any NodeDirectory,
        images: any ImageStore, snapshots: any SnapshotStore,
        formatter: any VolumeFormatter, mapper: any DeviceMapper, filesystems: any FilesystemTools,
        mounter: any Mounter, limiter: any IOLimiter, policies: any PolicyCatalog, fence: any Fence,
        formerClients: any FormerClients,
        poolHealth: any PoolHealth = UnknownPoolHealth(), clock: any DriverClock, tokens: any TokenSource,
        home: @escaping @Sendable () -> String? = { nil }
    ) {
        self.store = store
        self.policyStore = policyStore
        self.catalog = catalog
        self.nodes = nodes
        self.images = images
        self.snapshots = snapshots
        self.formatter = formatter
        self.mapper = mapper
        self.filesystems = filesystems
        self.mounter = mounter
        self.limiter = limiter
        self.policies = policies
        self.fence = fence
        self.formerClients = formerClients
        self.poolHealth = poolHealth
        self.clock = clock
        self.tokens = tokens
        self.home = home
    }

    /// The same with the records as the node sees them (`NodesView`).
    func seen(by node: String) -> DriverPorts {
        var ports = self
        ports.store = NodesRecords(base: store, node: node)
        ports.catalog = NodesCatalog(base: catalog, node: node)
        return ports
    }
}
