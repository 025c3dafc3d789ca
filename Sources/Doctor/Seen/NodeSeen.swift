/// What this host showed.
public struct NodeSeen: Sendable, Hashable {
    /// A way of mapping images, and what it lacks here; empty when it works.
    public struct Mapper: Sendable, Hashable {
        /// As `RBD_MAPPER` has it.
        public var kind: String
        public var lacks: [String]

        public init(kind: String, lacks: [String]) {
            self.kind = kind
            self.lacks = lacks
        }
    }

    public struct Filesystem: Sendable, Hashable {
        /// As `fstype` has it.
        public var name: String
        /// Programs that are not there, each with its package.
        public var missing: [String]

        public init(name: String, missing: [String]) {
            self.name = name
            self.missing = missing
        }
    }

    public enum ControlGroups: Sendable, Hashable {
        /// cgroup v2, and the controllers of its root.
        case unified(controllers: Set<String>)
        /// cgroup v1 with `blkio`.
        case legacy
        case unknown(String)
    }

    /// What `uname -r` says.
    public var kernel: String
    /// In the order in which `auto` prefers them.
    public var mappers: [Mapper]
    /// `RBD_MAPPER`; `nil` for `auto`.
    public var wantedMapper: String?
    /// Why the mappers could not be looked at; `nil` when they were.
    public var mapperFailure: String?
    /// Features that new images get and the kernel's driver does not know; `nil` when the driver is not loaded.
    public var unsupportedFeatures: [String]?
    public var filesystems: [Filesystem]
    public var defaultFilesystem: String
    /// The folder for scratch files, and what is free there, in bytes.
    public var scratchFolder: String
    public var scratchFree: UInt64?
    public var controlGroups: ControlGroups

    public init(
        kernel: String, mappers: [Mapper], wantedMapper: String? = nil, mapperFailure: String? = nil,
        unsupportedFeatures: [String]? = nil, filesystems: [Filesystem] = [], defaultFilesystem: String = "ext4",
        scratchFolder: String = "", scratchFree: UInt64? = nil, controlGroups: ControlGroups
    ) {
        self.kernel = kernel
        self.mappers = mappers
        self.wantedMapper = wantedMapper
        self.mapperFailure = mapperFailure
        self.unsupportedFeatures = unsupportedFeatures
        self.filesystems = filesystems
        self.defaultFilesystem = defaultFilesystem
        self.scratchFolder = scratchFolder
        self.scratchFree = scratchFree
        self.controlGroups = controlGroups
    }

    /// The mapper that the plugin would use here; `nil` when none works.
    public var chosenMapper: String? {
        let candidates = wantedMapper.map { wanted in mappers.filter { $0.kind == wanted } } ?? mappers
        return candidates.first { $0.lacks.isEmpty }?.kind
    }

    /// The first two numbers of the kernel's release.
    var kernelVersion: (Int, Int)? {
        let numbers = kernel.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }
}
