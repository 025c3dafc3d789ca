/// What a volume is to be, after options and defaults have been put together.
public struct VolumeSpec: Sendable, Hashable {
    public var pool: String
    /// Empty for the pool's default namespace.
    public var namespace: String
    /// The pool for the data objects; empty when it is the image's own pool.
    public var dataPool: String
    public var size: VolumeSize
    /// log2 of the object size in bytes: 22 is objects of 4 MiB.
    public var order: UInt8
    public var features: ImageFeatures
    /// Bytes that go to one object before the next, and to how many objects in turn; `nil` as long as an object is full first.
    public var stripeUnit: UInt64?
    public var stripeCount: UInt64?
    public var filesystem: FilesystemType
    /// Arguments for mkfs, one word each.
    public var mkfsOptions: [String]
    /// Options for mount(8), one each: `noatime`, `discard`.
    public var mountOptions: [String]
    /// Options for the mapping, one each: `queue_depth=128`.
    public var mapOptions: [String]
    /// Owner, group and mode of the volume's root directory; as the filesystem has them when `nil`.
    public var uid: UInt32?
    public var gid: UInt32?
    public var mode: UInt16?
    /// Whether containers may write. Decided when the volume is created, and for good.
    public var access: VolumeAccess
    /// What newer versions have recorded of it.
    public internal(set) var unknown = UnknownFields()

    public init(
        pool: String, namespace: String = "", dataPool: String = "", size: VolumeSize = .mebibytes(512),
        order: UInt8 = 22, features: ImageFeatures = .standard, stripeUnit: UInt64? = nil,
        stripeCount: UInt64? = nil, filesystem: FilesystemType = .ext4, mkfsOptions: [String] = [],
        mountOptions: [String] = [], mapOptions: [String] = [],
        uid: UInt32? = nil, gid: UInt32? = nil, mode: UInt16? = nil, access: VolumeAccess = .readWrite
    ) {
        self.pool = pool
        self.namespace = namespace
        self.dataPool = dataPool
        self.size = size
        self.order = order
        self.features = features
        self.stripeUnit = stripeUnit
        self.stripeCount = stripeCount
        self.filesystem = filesystem
        self.mkfsOptions = mkfsOptions
        self.mountOptions = mountOptions
        self.mapOptions = mapOptions
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.access = access
    }
}

/// What a volume gets where its options say nothing; from the plugin's settings.
public struct VolumeDefaults: Sendable, Hashable {
    public var pool: String?
    public var size: VolumeSize
    public var order: UInt8
    public var features: ImageFeatures
    public var filesystem: FilesystemType
    public var mkfsOptions: FilesystemWords
    public var mountOptions: FilesystemWords

    public init(
        pool: String? = nil, size: VolumeSize = .mebibytes(512), order: UInt8 = 22,
        features: ImageFeatures = .standard, filesystem: FilesystemType = .ext4,
        mkfsOptions: FilesystemWords = FilesystemWords(), mountOptions: FilesystemWords = FilesystemWords()
    ) {
        self.pool = pool
        self.size = size
        self.order = order
        self.features = features
        self.filesystem = filesystem
        self.mkfsOptions = mkfsOptions
        self.mountOptions = mountOptions
    }
}
