import VolumeCore

/// A host: its power, its connections, its kernel, and the plugin's process on it.
public struct SimulatedNode: Sendable {
    public let name: String
    /// Makes the addresses of its Ceph clients.
    let number: Int
    /// Grows with every boot.
    public internal(set) var boots = 1
    public internal(set) var isOn = true
    /// Frozen (SIGSTOP of the whole machine): nothing on it runs, and its kernel forgets nothing.
    public internal(set) var isPaused = false
    public internal(set) var cutOffFrom: Set<Backend> = []
    public internal(set) var kernel = SimulatedKernel()
    /// The number of the plugin process that runs, if one does.
    public internal(set) var process: Int?
    /// Since when Ceph has not heard of its clients.
    var cephLostAt: Duration?
    var heartbeat: Heartbeat?
    /// The image that the plugin's own client has open right now, by its id.
    var opened: String?
    /// The own clients of plugins that were killed, each with the boot that it was of.
    /// The address of its mappings' clients.
    var host: String { "10.0.0.\(number)" }
    public internal(set) var formerClients: [ClientAddress: String] = [:]
    /// The clients of its mappings whose process has died, as far as the mapper has notes of them.
    var deadClients: Set<ClientAddress> = []
    /// The clients that the present run of the plugin has ended in good order when their device was gone already.
    var endedClients: Set<ClientAddress> = []
    var catalog = CatalogState.empty
    /// The policies that a frozen copy shows.
    var frozenPolicies: [PolicyName: Revisioned<Policy>] = [:]
    /// How much the node's clock is ahead of the world's, and how many thousandths of the world's speed it has.
    public var clockOffset: Duration = .zero
    public var clockPace = 1000
    /// How much its wall clock is ahead of its monotonic one; it may be behind.
    public var wallOffset: Duration = .zero

    struct Heartbeat: Sendable {
        var boot: String
        /// Since when it has not been renewed; it dies when its TTL has passed since.
        var lostAt: Duration?
    }

    /// What the node's watched copy of etcd shows.
    enum CatalogState: Sendable {
        /// Nothing was ever read.
        case empty
        case following
        /// The watch is down: what was true then.
        case frozen([StoredVolume])
    }

    init(name: String, number: Int) {
        self.name = name
        self.number = number
    }

    public var boot: String { "\(name)-boot-\(boots)" }
    public var identity: NodeIdentity { NodeIdentity(node: name, boot: boot) }

    /// What Ceph knows the plugin's own connection as; no device has that address.
    public var pluginClient: ClientAddress? { process.flatMap(client(ofProcess:)) }

    /// What Ceph knows that run of the plugin as.
    func client(ofProcess process: Int) -> ClientAddress? { ClientAddress("10.0.0.\(number):0/\(1_000_000 + process)") }

    func reaches(_ backend: Backend) -> Bool { isOn && !isPaused && !cutOffFrom.contains(backend) }
}

/// The part of a node that outlives the plugin: what is mapped, mounted and held open.
public struct SimulatedKernel: Sendable {
    /// `/sys/bus/rbd/supported_features`.
    public var supportedFeatures: ImageFeatures = [
        .layering, .striping, .exclusiveLock, .objectMap, .fastDiff, .deepFlatten, .dataPool, .operations,
    ]
    /// By path.
    public internal(set) var devices: [String: SimulatedDevice] = [:]
    /// Those whose process has died while a filesystem on them is in use, by path.
    var deadDevices: [String: SimulatedDevice] = [:]
    /// Whether the mapper has the kernel give a mounted device back with its last mount.
    public var givesBackWithLastMount = false
    /// Those that the kernel has given back so, and whose process still runs: whoever lists what is mapped ends it.
    public internal(set) var leftovers: [SimulatedDevice] = []
    /// Filesystems that are in use, by the path of their device.
    public internal(set) var superblocks: [String: SimulatedSuperblock] = [:]
    /// In the order in which they were mounted: the last one at a mountpoint is on top.
    public internal(set) var mounts: [SimulatedMount] = []
    public internal(set) var directories: Set<String> = []
    var holds: Set<SimulatedHold> = []
    /// Whether also devices for reading watch their images: those of a process do. The kernel's own driver maps such an image without
    /// a watch, and knows its devices without any notes.
    public internal(set) var watchesForReading = false
    /// Nothing on this node can limit a device.
    public var cannotLimit = false
    /// Checks of filesystems do not come to an end.
    var checksAreHeld = false
    /// Grows with every mapping; never reused, not even after a reboot.
    var nonces = 0

    func mount(at mountpoint: String) -> SimulatedMount? { mounts.last { $0.mountpoint == mountpoint } }

    /// Whatever stands as a client of an image: what is mapped, and what is left of it.
    public var mappings: [SimulatedDevice] { Array(devices.values) + leftovers }
}

/// A mapped image.
public struct SimulatedDevice: Sendable, Hashable {
    public var path: String
    /// As it was mapped.
    public var image: ImageReference
    public var imageID: String
    public var client: ClientAddress
    public var options: [String]
    public var size: VolumeSize
    /// The kernel refuses every write to it.
    public internal(set) var isReadOnly = false
    /// Ceph sees that its client has the image open.
    var watches = true
    /// What bounds its reads and writes.
    public internal(set) var limits = IOLimits.none
    /// All that it has had since it was mapped.
    public internal(set) var pastLimits: Set<IOLimits> = [.none]
    /// Whoever has the bare device open: a stray process, another mount namespace.
    public var openers: Set<Int> = []
    /// It has learned that it is blocklisted, and never recovers.
    public var isBroken = false
    /// The filesystem on it was repaired beneath what the kernel had read of it: it has to be mapped anew.
    public var isStale = false
    /// A check of its filesystem goes on beyond the call that began it, and has the device to itself.
    public internal(set) var isBeingChecked = false
    /// The plugin mapped it, and no person by hand.
    public var isByPlugin = false
    /// An unmap hangs; it goes through when Ceph is back.
    public var isLeaving = false
    /// The mapper has lost its notes of it, and shows it no more.
    public var isOutOfSight = false
    /// The kernel gives it back once it is mounted nowhere any more.
    public var goesWithLastMount = false
    /// Which plugin process is just ending what is left of it.
    public internal(set) var endedBy: Int?
}

/// A filesystem in use. All its mounts share it.
public struct SimulatedSuperblock: Sendable, Hashable {
    public var filesystem: FilesystemType
    public var readOnly: Bool
    /// The sequence of its own last write.
    public var sequence: Int
    /// Blocks are given back as soon as they are free.
    public internal(set) var discards = false
    /// Written by applications, not yet on disk.
    public var dirty: [String] = []
    /// Containers, which have a mount of their own that survives the plugin's.
    public var containers: Set<Int> = []
    /// Until when nobody can write to it. Whoever lets it be written to again then ends with the plugin.
    public internal(set) var frozenUntil: Duration?
    /// The last mount is gone, and writing the rest hangs until Ceph is back.
    public var isDraining = false
}

/// One mount.
public struct SimulatedMount: Sendable, Hashable {
    public var mountpoint: String
    public var device: String
    public var readOnly: Bool
    /// Files that are open through this very mount.
    public var openFiles: Set<Int> = []
}

/// Something that keeps a mount, a filesystem or a device in use.
public struct Holder: Sendable, Hashable {
    let node: String
    let device: String
    let number: Int
}
