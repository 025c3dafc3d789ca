import InMemoryPorts
import Logging
import RBDDriver
import VolumeCore

/// Where a history begins. Most begin with a volume that is there, so that their steps go where the danger is.
enum StartingPoint: Int, Sendable, CaseIterable {
    case nothing, created, mounted
    /// The volumes have been removed, and the trash keeps them.
    case trashed
}

/// The settings of all simulated plugins, and how one is put together.
enum Setup {
    static let mountRoot = "/mnt/volumes"
    static let nodes = ["a", "b", "c"]
    /// A host that has no plugin, on which people map images by hand.
    static let stranger = "x"
    /// The name of an image that somebody has put into the trash before everything began.
    static let trashedByHand = "rbd-plugin.kept"
    /// A client of Ceph that has nothing to do with any volume.
    static let bystander = ClientAddress("10.9.9.9:0/7")
    /// The volumes that a history is about: one with ext4, one with xfs, both, or one and what is made out of it.
    static let volumeSets = [["db"], ["kv"], ["db", "kv"], ["db", clone], ["db", shared]]
    /// What is made out of `db`.
    static let clone = "copy"

    /// The same, for any number of nodes to read.
    static let shared = "audit"

    static func isClone(_ volume: String) -> Bool { [clone, shared].contains(volume) }

    /// Which of the sets a history of that seed is about.
    static func volumes(_ seed: UInt64, _ random: inout Randomness) -> [String] {
        let set = [0, 0, 0, 1, 2].randomElement(using: &random) ?? 0
        return volumeSets[set == 0 ? [2: 3, 4: 4][seed % 7] ?? 0 : set]
    }

    /// The one that is mounted where a history begins with a mount. Readers are many only if they begin early.
    static func mountedFirst(of volumes: [String]) -> String? {
        volumes.contains(shared) ? shared : volumes.first
    }

    /// Those that Docker's users choose from: what many nodes read is of interest while many do.
    static func inDemand(_ volumes: [String]) -> [String] {
        volumes.contains(shared) ? volumes + [shared, shared] : volumes
    }

    static let settings = DriverSettings(
        mountRoot: mountRoot, defaults: VolumeDefaults(pool: "rbd"), handOverWait: .seconds(5),
        handOverGrace: .seconds(20),
        pollInterval: .seconds(1), shortestFrozenSchedule: .zero)

    static func options(of volume: String) -> [String: String] {
        if volume == shared { return ["from": "db", "access": "read-only"] }
        if isClone(volume) { return ["from": "db"] }
        return ["pool": "rbd", "size": volume == "kv" ? "512" : "206", "fstype": volume == "kv" ? "xfs" : "ext4"]
    }

    /// The bound of volumes that grow by themselves, and all that is wanted of them.
    static let growthBound = VolumeSize.mebibytes(700)
    static let growing: [RuntimeOption: String?] = [
        .autogrowAt: "80%", .autogrowBy: "40%", .autogrowMax: "\(growthBound)", .discard: "daily",
    ]

    static func policy(
        allowing most: VolumeSize?, keeping removed: Bool = false, scheduling: Bool = false
    ) -> Policy {
        var policy = Policy()
        policy.create.maxTotal = most
        if removed {
            try? policy.runtime.set(.onRemove, "trash")
            try? policy.runtime.set(.trashKeep, "2m")
        }
        if scheduling {
            for (option, value) in scheduled(freezing: true) { if let value { try? policy.runtime.set(option, value) } }
        }
        return policy
    }

    /// An operator's command, on the host of a plugin and with the same connections.
    static func command(_ driver: VolumeDriver) -> OperatorActions {
        let ports = driver.ports
        return OperatorActions(
            store: ports.store, policies: ports.policyStore, images: ports.images, fence: ports.fence,
            clock: ports.clock, blocklistExpiry: settings.blocklistExpiry, me: driver.me,
            log: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The same about removed volumes.
    static func trash(_ driver: VolumeDriver, _ mutation: Mutation?) -> TrashActions {
        let ports = driver.ports
        return TrashActions(
            store: ports.store, policies: ports.policyStore, images: ports.images, snapshots: ports.snapshots,
            clock: ports.clock, tokens: ports.tokens, rules: rules(mutation), me: "operator@\(driver.me.node)",
            home: ports.home)
    }

    /// A schedule of snapshots, and how many stay.
    static func scheduled(freezing: Bool) -> [RuntimeOption: String?] {
        [
            .snapshots: nil, .snapshotFrequency: "5s", .snapshotKeep: "\(snapshotsKept)",
            .snapshotFreeze: freezing ? nil : "off",
        ]
    }
    static let snapshotsKept = 2

    /// Those of the driver, with days that last half a minute.
    static func rules(_ mutation: Mutation?) -> DriverRules {
        var rules = mutation?.rules ?? DriverRules()
        rules.isTrimDue = { _, history, discard, _ in
            discard == .daily && history.sinceTrim.map { $0 >= .seconds(30) } != false
        }
        return rules
    }

    static func image(_ volume: String) -> ImageReference { ImageReference(pool: "rbd", name: volume) }

    static func mountpoint(_ volume: String) -> String { "\(mountRoot)/\(volume)" }

    static func driver(_ node: NodePorts, _ mutation: Mutation?) -> VolumeDriver {
        var ports = DriverPorts(
            store: node.store, policyStore: node.policies, catalog: node.catalog, nodes: node.directory,
            images: node.images,
            snapshots: node.snapshots, formatter: node.formatter, mapper: node.mapper, filesystems: node.filesystems,
            mounter: node.mounter, limiter: node.limiter, policies: node.catalog, fence: node.fence,
            formerClients: node.formerClients,
            clock: node.clock,
            tokens: node.tokens)
        mutation?.apply(&ports, node)
        var settings = settings
        mutation?.alter(&settings)
        return VolumeDriver(
            ports: ports, settings: settings, rules: rules(mutation), me: node.identity,
            log: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// The worlds in which histories begin, made once by the real driver without any fault.
public struct StartingWorlds: Sendable {
    private var worlds: [StartingPoint: [[String]: World]] = [:]

    public init() {
        for point in StartingPoint.allCases {
            for volumes in Setup.volumeSets { worlds[point, default: [:]][volumes] = Self.world(at: point, volumes) }
        }
    }

    func world(at point: StartingPoint, _ volumes: [String]) -> World { worlds[point]?[volumes] ?? World() }

    /// There is a policy for all volumes, which says nothing. With `mounted`, one volume is mounted on node a with the id `a0`.
    private static func world(at point: StartingPoint, _ volumes: [String]) -> World {
        let cluster = SimulatedCluster(nodes: Setup.nodes + [Setup.stranger])
        let executor = RunLoopExecutor()
        cluster.mutate { world in
            let kept = Setup.image(Setup.trashedByHand)
            world.addImage(kept)
            world.trashByHand(kept)
            world.setPolicy(Policy(), as: .standard)
        }
        if point != .nothing {
            let driver = Setup.driver(cluster.startPlugin(on: "a"), nil)
            Task(executorPreference: executor) {
                var options: [String: String] = [:]
                if point == .trashed { options = ["on-remove": "trash", "trash.keep": "1m"] }
                for volume in volumes {
                    try await driver.create(volume, options: Setup.options(of: volume).merging(options) { $1 })
                    if point == .trashed { try await driver.remove(volume) }
                }
                if point == .mounted, let first = Setup.mountedFirst(of: volumes) {
                    _ = try await driver.mount(first, id: "a0")
                }
            }
            executor.drain()
        }
        return cluster.world
    }
}
