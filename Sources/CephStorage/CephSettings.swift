/// How to reach a Ceph cluster, and how long to wait for it.
public struct CephSettings: Sendable {
    /// The limits that are set before connecting. librados' own defaults wait for ever.
    public struct Timeouts: Sendable, Hashable {
        /// `client_mount_timeout`: one attempt to reach a monitor.
        public var connect: Duration
        /// `rados_mon_op_timeout`: one request to the monitors.
        public var monitorOperation: Duration
        /// `rados_osd_op_timeout`: one request to an OSD. An rbd call makes many.
        public var osdOperation: Duration
        /// The outer deadline of one call here, connecting included, when the caller gives none.
        public var call: Duration

        /// The three Ceph limits are rounded up to whole seconds.
        public init(
            connect: Duration = .seconds(5), monitorOperation: Duration = .seconds(5),
            osdOperation: Duration = .seconds(10), call: Duration = .seconds(15)
        ) {
            self.connect = connect
            self.monitorOperation = monitorOperation
            self.osdOperation = osdOperation
            self.call = call
        }
    }

    /// The cluster's name, as in `/etc/ceph/<name>.conf`.
    public var clusterName: String
    /// The user without `client.`, such as `docker`.
    public var user: String
    /// The ceph.conf to read. With nil no file is read, and `overrides` must say it all.
    public var confFile: String?
    /// The keyring file, when it is not the one that ceph.conf names.
    public var keyring: String?
    /// Options that win over the file, such as `mon_host`. Values can be secret and appear in
    /// no error.
    public var overrides: [String: String]
    public var timeouts: Timeouts
    /// The most calls on one pool that may be in librados and librbd at a time, and the most that are on none.
    public var callsPerPool: Int
    /// How long to wait between attempts to connect in the background.
    public var retryInterval: Duration

    public init(
        clusterName: String = "ceph", user: String = "admin", confFile: String? = "/etc/ceph/ceph.conf",
        keyring: String? = nil, overrides: [String: String] = [:], timeouts: Timeouts = Timeouts(),
        callsPerPool: Int = 32, retryInterval: Duration = .seconds(2)
    ) {
        self.clusterName = clusterName
        self.user = user
        self.confFile = confFile
        self.keyring = keyring
        self.overrides = overrides
        self.timeouts = timeouts
        self.callsPerPool = callsPerPool
        self.retryInterval = retryInterval
    }

    /// What is set on the handle after the file was read, in a fixed order.
    var options: [(name: String, value: String)] {
        var options = [
            ("client_mount_timeout", Self.wholeSeconds(timeouts.connect)),
            ("rados_mon_op_timeout", Self.wholeSeconds(timeouts.monitorOperation)),
            ("rados_osd_op_timeout", Self.wholeSeconds(timeouts.osdOperation)),
            // A request that waits for an OSD makes librados ask for the newest map, by default after 10 s and a tick of
            // 5 s. Requests that are given up before would leave it with a dead OSD's address for ever.
            ("objecter_timeout", "1"),
            ("objecter_tick_interval", "1"),
        ]
        if let keyring { options.append(("keyring", keyring)) }
        return options + overrides.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Never 0, which means "for ever" to Ceph.
    private static func wholeSeconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return String(max(1, attoseconds > 0 ? seconds + 1 : seconds))
    }
}
