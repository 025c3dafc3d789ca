/// What the records below the prefix say, and what of it Ceph confirms.
public struct RecordsSeen: Sendable, Hashable {
    /// Who has the name of this node in etcd.
    public enum NodeName: Sendable, Hashable {
        case free
        /// This boot of this host: the plugin runs here.
        case mine
        /// Another boot, which beats still.
        case taken(boot: String, since: String)
        /// Another boot, whose last sign of life is so old that it has probably ended.
        case expiring(boot: String)
    }

    public enum Cluster: Sendable, Hashable {
        /// Nothing is recorded yet.
        case unclaimed
        case mine
        /// The fsid of the records' cluster, and of the one that the settings name.
        case other(recorded: String, mine: String)
        case unknown(String)
    }

    public struct UnreadableKey: Sendable, Hashable {
        public var key: String
        public var reason: String

        public init(key: String, reason: String) {
            self.key = key
            self.reason = reason
        }
    }

    public struct DeadNode: Sendable, Hashable {
        public var node: String
        public var volumes: [String]

        public init(node: String, volumes: [String]) {
            self.node = node
            self.volumes = volumes
        }
    }

    public var node: String
    public var nodeName: NodeName
    public var cluster: Cluster
    public var volumes: Int
    public var mounted: Int
    public var livingNodes: Int
    public var unreadable: [UnreadableKey]
    public var deadNodes: [DeadNode]

    public init(
        node: String, nodeName: NodeName, cluster: Cluster, volumes: Int, mounted: Int, livingNodes: Int,
        unreadable: [UnreadableKey] = [], deadNodes: [DeadNode] = []
    ) {
        self.node = node
        self.nodeName = nodeName
        self.cluster = cluster
        self.volumes = volumes
        self.mounted = mounted
        self.livingNodes = livingNodes
        self.unreadable = unreadable
        self.deadNodes = deadNodes
    }
}

/// What Ceph has of the volumes that are recorded.
public struct ImagesSeen: Sendable, Hashable {
    /// An image as `rbd` names it, or a volume and something about it.
    public struct Volume: Sendable, Hashable {
        public var name: String
        public var image: String

        public init(name: String, image: String) {
            self.name = name
            self.image = image
        }
    }

    public struct Snapshots: Sendable, Hashable {
        public var volume: String
        public var count: Int

        public init(volume: String, count: Int) {
            self.volume = volume
            self.count = count
        }
    }

    /// How many pools and namespaces were listed, and the ones that could not be.
    public var places: Int
    public var unlisted: [String]
    /// Unfinished images that no record knows.
    public var unfinished: [String]
    /// Ready volumes without an image of their name.
    public var missing: [Volume]
    /// How many images' snapshots were counted, and how many there are to count.
    public var looks: Int
    public var volumes: Int
    /// Those with many.
    public var snapshots: [Snapshots]

    public init(
        places: Int, unlisted: [String] = [], unfinished: [String] = [], missing: [Volume] = [], looks: Int = 0,
        volumes: Int = 0, snapshots: [Snapshots] = []
    ) {
        self.places = places
        self.unlisted = unlisted
        self.unfinished = unfinished
        self.missing = missing
        self.looks = looks
        self.volumes = volumes
        self.snapshots = snapshots
    }
}

/// Of the blocklist, what concerns this host.
public struct BlocklistSeen: Sendable, Hashable {
    public struct Client: Sendable, Hashable {
        public var volume: String
        public var address: String

        public init(volume: String, address: String) {
            self.volume = volume
            self.address = address
        }
    }

    /// Clients of volumes that this boot of this node has mounted, by its records.
    public var clients: [Client]
    /// Entries that refuse a whole address of this host, or a range with one.
    public var hosts: [String]
    /// Further entries with an address of this host: clients that have ended, as a rule.
    public var others: Int

    public init(clients: [Client] = [], hosts: [String] = [], others: Int = 0) {
        self.clients = clients
        self.hosts = hosts
        self.others = others
    }
}
