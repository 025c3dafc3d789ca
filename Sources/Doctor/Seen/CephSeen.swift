/// What the Ceph cluster showed to the plugin's own user.
public struct CephSeen: Sendable, Hashable {
    public enum Connection: Sendable, Hashable {
        case connected(fsid: String)
        /// The monitors or librados refuse the user or its key.
        case refused(String)
        case unreachable(String)
    }

    /// Something that was tried.
    public enum Trial: Sendable, Hashable {
        case allowed
        /// The caps do not allow it.
        case denied
        /// It failed for another reason, or was not tried.
        case unknown(String)
    }

    public struct Monitor: Sendable, Hashable {
        /// `ip:port`.
        public var address: String
        public var isReached: Bool

        public init(address: String, isReached: Bool) {
            self.address = address
            self.isReached = isReached
        }
    }

    /// One line of `ceph health`.
    public struct HealthCheck: Sendable, Hashable {
        /// Such as `OSD_DOWN`.
        public var code: String
        public var isError: Bool
        public var message: String

        public init(code: String, isError: Bool, message: String) {
            self.code = code
            self.isError = isError
            self.message = message
        }
    }

    /// The map of the OSDs, as far as it matters to a client of RBD.
    public struct OSDMap: Sendable, Hashable {
        /// Such as `full`, `nearfull`, `pauserd`.
        public var flags: Set<String>
        public var requiredRelease: String
        /// `require_min_compat_client`.
        public var oldestClient: String
        /// Placement groups with a primary chosen by hand.
        public var upmapPrimaries: Int
        public var pools: [Pool]

        public init(
            flags: Set<String> = [], requiredRelease: String = "", oldestClient: String = "", upmapPrimaries: Int = 0,
            pools: [Pool] = []
        ) {
            self.flags = flags
            self.requiredRelease = requiredRelease
            self.oldestClient = oldestClient
            self.upmapPrimaries = upmapPrimaries
            self.pools = pools
        }
    }

    public struct Pool: Sendable, Hashable {
        public var name: String
        public var flags: Set<String>
        public var applications: Set<String>
        /// Whether its CRUSH rule is of the kind that newer releases brought.
        public var hasMultiStepRule: Bool

        public init(
            name: String, flags: Set<String> = [], applications: Set<String> = ["rbd"], hasMultiStepRule: Bool = false
        ) {
            self.name = name
            self.flags = flags
            self.applications = applications
            self.hasMultiStepRule = hasMultiStepRule
        }
    }

    /// A pool and namespace in use, or to be used by default.
    public struct Place: Sendable, Hashable {
        public var pool: String
        public var namespace: String
        /// `nil` when no map could be read.
        public var exists: Bool?
        public var reading: Trial
        public var writing: Trial
        /// Why the OSDs gave no answer; `nil` when they did.
        public var silence: String?

        public init(
            pool: String, namespace: String = "", exists: Bool?, reading: Trial, writing: Trial, silence: String? = nil
        ) {
            self.pool = pool
            self.namespace = namespace
            self.exists = exists
            self.reading = reading
            self.writing = writing
            self.silence = silence
        }

        public var name: String { namespace.isEmpty ? pool : "\(pool)/\(namespace)" }
    }

    /// Without `client.`
    public var user: String
    public var connection: Connection
    public var monitors: [Monitor]
    /// `nil` with a reason when it could not be read.
    public var map: Result
    public var health: [HealthCheck]?
    public var blocklistAdd: Trial
    public var blocklistRemove: Trial
    public var places: [Place]

    /// The map, or why there is none.
    public enum Result: Sendable, Hashable {
        case read(OSDMap)
        case denied
        case failed(String)
    }

    public init(
        user: String, connection: Connection, monitors: [Monitor] = [], map: Result = .failed("not read"),
        health: [HealthCheck]? = nil, blocklistAdd: Trial = .unknown("not tried"),
        blocklistRemove: Trial = .unknown("not tried"), places: [Place] = []
    ) {
        self.user = user
        self.connection = connection
        self.monitors = monitors
        self.map = map
        self.health = health
        self.blocklistAdd = blocklistAdd
        self.blocklistRemove = blocklistRemove
        self.places = places
    }
}
