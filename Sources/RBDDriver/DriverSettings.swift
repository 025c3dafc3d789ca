import VolumeCore

/// The driver's settings: where it mounts, what volumes get by default, and how long things may take.
public struct DriverSettings: Sendable {
    /// Volumes are mounted at `<mountRoot>/<name>`.
    public var mountRoot: String
    public var defaults: VolumeDefaults
    public var limits: VolumeLimits
    /// Options for every mapping, before those of the volume.
    public var mapOptions: [String]
    /// Options for every mount, after those of the volume: the last one counts.
    public var mountOptions: [String]
    /// How many operations may ask Ceph and the kernel for something at a time, for the volumes of one pool.
    public var operationsPerPool: Int
    /// How long the steps of one operation may take, all together and without what undoes them.
    public var workBudget: Duration
    /// How long undoing them may take. Together with `workBudget` less than what the caller waits.
    public var undoBudget: Duration
    /// How long a Mount waits for a live owner to let go, and a Create for another node's Create.
    public var handOverWait: Duration
    /// For how long after a Mount the volume is not handed over: Docker may not have bound it into the container yet.
    public var handOverGrace: Duration
    /// How often a wait looks again.
    public var pollInterval: Duration
    /// How long a fenced client stays blocklisted. Years: krbd retries its writes for ever.
    public var blocklistExpiry: Duration
    /// How long whoever writes to a volume waits at most while a snapshot of it is taken.
    public var freezeLimit: Duration
    /// Snapshots that are taken by schedule more often than that do not make anybody wait.
    public var shortestFrozenSchedule: Duration
    /// For how long an unfinished image has to have been nobody's before it is removed.
    public var orphanAge: Duration

    public init(
        mountRoot: String, defaults: VolumeDefaults = VolumeDefaults(), limits: VolumeLimits = VolumeLimits(),
        mapOptions: [String] = [], mountOptions: [String] = [], operationsPerPool: Int = 16,
        workBudget: Duration = .seconds(18), undoBudget: Duration = .seconds(6),
        handOverWait: Duration = .seconds(10), handOverGrace: Duration = .seconds(60),
        pollInterval: Duration = .milliseconds(250),
        blocklistExpiry: Duration = .seconds(10 * 365 * 86_400), orphanAge: Duration = .seconds(3600),
        freezeLimit: Duration = .seconds(5), shortestFrozenSchedule: Duration = .seconds(60)
    ) {
        self.mountRoot = mountRoot
        self.defaults = defaults
        self.limits = limits
        self.mapOptions = mapOptions
        self.mountOptions = mountOptions
        self.operationsPerPool = operationsPerPool
        self.workBudget = workBudget
        self.undoBudget = undoBudget
        self.handOverWait = handOverWait
        self.handOverGrace = handOverGrace
        self.pollInterval = pollInterval
        self.blocklistExpiry = blocklistExpiry
        self.orphanAge = orphanAge
        self.freezeLimit = freezeLimit
        self.shortestFrozenSchedule = shortestFrozenSchedule
    }

    /// How long a call may take that only looks: nothing of it has to be undone.
    var queryBudget: Duration { workBudget + undoBudget }

    func mountpoint(of name: VolumeName) -> String { "\(mountRoot)/\(name)" }
}
