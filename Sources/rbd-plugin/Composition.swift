import Blocking
import CephStorage
import DockerVolumeAPI
import EtcdClient
import EtcdState
import Logging
import Metrics
import NodeStorage
import PluginConfiguration
import PrometheusMetrics
import RBDDriver
import ServiceLifecycle
import UnixSignals
import VolumeCore

/// Puts the plugin together from its settings, and runs it.
struct Composition {
    private let settings: Settings
    private let log: Logger
    private let ceph: CephClientConfiguration
    private let connection: CephConnection
    private let clientNotes: ClientNotes
    private let etcd: EtcdClient
    private let catalog: WatchedVolumes
    private let heartbeat: NodeHeartbeat
    private let readiness: Readiness
    private let driver: VolumeDriver
    private let health: HealthChecks
    private let server: VolumeServer
    private let history: EtcdHistory
    private let rounds = LatestRound()
    private let metricsPort: MetricsPort?
    private let clock = SystemClock()

    init(settings: Settings, socket: String, mountRoot configured: String, log: Logger) throws {
        self.settings = settings
        self.log = log
        let mountRoot = try ClosedMountRoot.make(at: configured).tellingOfOpenParent(log).path
        let me = settings.node.identity
        let keys = StateKeys(prefix: settings.etcd.prefix)
        let tokens = RandomTokens()
        ceph = CephClientConfiguration(
            settings.ceph, directory: "\(settings.stateDirectory)/ceph", connectTimeout: settings.limits.ceph)
        clientNotes = ClientNotes(
            stateFolder: settings.stateDirectory, me: me,
            kernel: KernelCalls(pool: BlockingPool(name: "client-notes", perLane: 1), clock: clock))
        connection = CephConnection(
            settings: CephSettings(settings, files: ceph), noting: clientNotes.note, logger: log)
        etcd = try EtcdClient(configuration: EtcdConfiguration(settings), logger: log)
        let unreadable = UnreadableKeys(log: log)
        let live = LiveSettings(settings, log: log)
        catalog = WatchedVolumes(keys: keys, unreadable: unreadable, log: log, onGlobal: live.follow)
        heartbeat = NodeHeartbeat(
            client: etcd, keys: keys, record: NodeRecord(me, since: clock.timestamp(), version: Version.text),
            ttl: settings.limits.nodeTTL, clock: clock, log: log)
        readiness = Readiness(
            cluster: ClusterBinding(
                client: etcd, keys: keys, clock: clock, timeout: settings.limits.etcd,
                fsid: connection.fsid(clock: clock)),
            heartbeat: heartbeat, clock: clock, patience: DriverSettings(settings, mountRoot: mountRoot).workBudget,
            etcdTimeout: settings.limits.etcd)
        history = EtcdHistory(
            client: etcd, keys: keys, clock: clock, timeout: settings.limits.etcd, unreadable: unreadable)
        let images = CephImageStore(connection: connection, clock: clock)
        let node = try NodeAdapters(
            settings, ceph: ceph, connection: connection, images: images, mountRoot: mountRoot, clock: clock, log: log)
        health = HealthChecks(
            connection: connection, catalog: catalog, mapper: node.mapper, readiness: readiness,
            defaultPool: settings.volumes.defaults.pool,
            pace: .init(limit: min(.seconds(5), settings.limits.ceph))
        ) { [etcd, prefix = settings.etcd.prefix] in _ = try await etcd.get(prefix, timeout: $0) }
        let ports = DriverPorts(
            store: EtcdVolumeStore(
                client: etcd, keys: keys, clock: clock, tokens: tokens, timeout: settings.limits.etcd,
                unreadable: unreadable, author: settings.historyAuthor),
            policyStore: EtcdPolicyStore(
                client: etcd, keys: keys, clock: clock, tokens: tokens, timeout: settings.limits.etcd,
                unreadable: unreadable),
            catalog: catalog,
            nodes: EtcdNodeDirectory(
                client: etcd, keys: keys, clock: clock, timeout: settings.limits.etcd, unreadable: unreadable),
            images: images, snapshots: CephSnapshotStore(connection: connection, clock: clock),
            formatter: node.formatter, mapper: node.mapper, filesystems: node.filesystems, mounter: node.mounter,
            limiter: node.limiter, policies: catalog,
            fence: CephFence(connection: connection, clock: clock), formerClients: clientNotes,
            poolHealth: health, clock: clock, tokens: tokens, home: { [cluster = readiness.cluster] in cluster.home })
        driver = VolumeDriver(
            ports: ports.withKillPoints, settings: DriverSettings(settings, mountRoot: mountRoot), me: me, log: log)
        let volumes = VolumeMeasures(
            driver: driver, statistics: node.statistics, most: settings.metrics.volumes)
        let registry = PluginMetrics.bootstrap(
            driver: driver, health: health, connection: connection, volumes: volumes, rounds: rounds)
        let metricsText: @Sendable () async -> String = { [health] in
            async let looked: Void = volumes.look()
            await health.lookAtMapper()
            await looked
            return registry.render()
        }
        metricsPort = MetricsPort(settings.metrics, text: metricsText, log: log)
        server = VolumeServer(
            configuration: .init(
                socketPath: socket, budget: settings.limits.operation,
                scope: settings.scope == .global ? .global : .local),
            plugin: DockerAdapter(
                driver: driver, readiness: readiness, mountpoints: MountpointsOnHost(root: mountRoot),
                report: health.report
            ).withKillPoints,
            metricsText: metricsText, logger: log)
        live.takeEffect { [driver, server] limits in
            driver.changeBudgets(work: limits.workBudget, undo: limits.undoBudget, handOverWait: limits.mountWait)
            server.changeBudget(to: limits.operation)
        }
    }

    /// Serves until SIGTERM or SIGINT; then lets running calls end. Mounted volumes stay mounted.
    ///
    /// The socket comes first: while another server answers there, this one touches nothing else.
    func run() async throws {
        // The first call may come as soon as the socket is there. What cannot be written yet is tried again below.
        try? ceph.write()
        try await server.start()
        ServiceManager.tellReady()
        let services: [any Service] = [
            Background { [ceph, connection, log] in
                await ceph.writeWhenPossible(log: log)
                await connection.start()
                await CephKeyWatch(files: ceph, connection: connection, log: log).run()
            },
            Background { [heartbeat, readiness, catalog, driver] in
                await heartbeat.run(
                    mayBeat: { !readiness.cluster.isForeign },
                    isIdle: { readiness.cluster.isBound && catalog.isLoaded && driver.held.isEmpty })
            },
            Background { [catalog, etcd, clock] in await catalog.run(client: etcd, clock: clock) },
            Background { [readiness, driver, clock, log] in
                await readiness.wait(log: log)
                await Self.recover(driver, clock: clock, log: log)
            },
            Background { [readiness, driver, rounds, clock] in
                await Self.reconcile(driver, if: readiness, clock: clock, noting: rounds)
            },
            Background { [readiness, driver, clock] in await Self.look(driver, if: readiness, clock: clock) },
            Background { [readiness, driver, clock] in await Self.empty(driver, if: readiness, clock: clock) },
            Background { [readiness, driver, clock] in await Self.grow(driver, if: readiness, clock: clock) },
            Background { [readiness, driver, clock] in await Self.trim(driver, if: readiness, clock: clock) },
            Background { [readiness, driver, clock] in await Self.work(driver, if: readiness, clock: clock) },
            Background { [readiness, driver, clock] in await Self.takeSnapshots(driver, if: readiness, clock: clock) },
            Background { [readiness, history, settings, clock, log] in
                await Self.forget(history, settings, if: readiness, clock: clock, log: log)
            },
            Background { [clock] in await Self.reap(clock: clock) },
            Background { [health] in await health.run() },
            Background { [metricsPort] in await metricsPort?.run() },
            SocketService(
                server: server, drainTimeout: settings.limits.operation, onEnd: { [driver] in driver.endWaiting() }),
        ]
        let group = ServiceGroup(
            configuration: .init(
                services: services.map {
                    .init(
                        service: $0, successTerminationBehavior: .ignore,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                } + [.init(service: EarlySignals.Heard(), successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }))
        try await group.run()
        await etcd.shutdown()
        do {
            try await connection.close(timeout: .seconds(2))
            clientNotes.discard()
        } catch {
            log.info("did not disconnect from Ceph cleanly", metadata: ["error": "\(error)"])
        }
        // What carries the data of mounted volumes has read them. The next start writes them anew.
        ceph.remove()
    }

    /// Looks after the mounts of this node for as long as the plugin runs. A round does not wait for the one before it:
    /// that may be held up by a pool that hangs.
    private static func reconcile(
        _ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock, noting latest: LatestRound
    ) async {
        await rounds(if: readiness, clock: clock) {
            await driver.reconcileAll()
            latest.end()
        }
    }

    /// Deletes the data of removed volumes. A round may take hours; the next ones are for the other pools.
    private static func empty(_ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock) async {
        await rounds(if: readiness, clock: clock) { await driver.emptyTrash() }
    }

    /// Makes volumes larger that are nearly full and may grow by themselves.
    private static func grow(_ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock) async {
        await rounds(every: .seconds(5), if: readiness, clock: clock) { await driver.growFullVolumes() }
    }

    /// Trims volumes whose time has come. A round may take hours; the next ones are for the other pools.
    private static func trim(_ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock) async {
        await rounds(every: .seconds(30), if: readiness, clock: clock) { await driver.trimWhereDue() }
    }

    /// Does what operators have asked for. A round may take hours; the next ones are for the other volumes.
    private static func work(_ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock) async {
        await rounds(every: .seconds(1), if: readiness, clock: clock) { await driver.doRequests() }
    }

    /// Takes snapshots that are due. A pool that hangs holds up its own; the next rounds are for the others.
    private static func takeSnapshots(_ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock) async {
        await rounds(every: .seconds(1), if: readiness, clock: clock) { await driver.takeDueSnapshots() }
    }

    /// Begins a round now and then, whether the ones before it have ended or not.
    private static func rounds(
        every pause: Duration = .seconds(2), if readiness: Readiness, clock: SystemClock,
        _ round: @escaping @Sendable () async -> Void
    ) async {
        await withDiscardingTaskGroup { rounds in
            while !Task.isCancelled {
                try? await clock.sleep(for: pause)
                if readiness.mayTend { rounds.addTask { await round() } }
            }
        }
    }

    /// Deletes what has been kept of the history for long enough: soon after the start, then once in about an hour.
    private static func forget(
        _ history: EtcdHistory, _ settings: Settings, if readiness: Readiness, clock: SystemClock, log: Logger
    ) async {
        let bounds = HistoryBounds(keep: settings.limits.history)
        guard bounds.keep > .zero else { return }
        while !Task.isCancelled {
            guard readiness.mayTend else {
                try? await clock.sleep(for: .seconds(2))
                continue
            }
            do {
                let count = try await history.sweep(bounds, me: settings.node.identity.node)
                if count > 0 { log.info("deleted old entries of the history", metadata: ["count": "\(count)"]) }
            } catch {
                log.info("could not delete old entries of the history", metadata: ["error": "\(error)"])
            }
            // Nodes that start together do not sweep together.
            try? await clock.sleep(for: .seconds(Int.random(in: 3000...4200)))
        }
    }

    /// Keeps what `Status` says of watchers up to date.
    private static func look(_ driver: VolumeDriver, if readiness: Readiness, clock: SystemClock) async {
        while !Task.isCancelled {
            try? await clock.sleep(for: .seconds(2))
            if readiness.mayTend { await driver.lookAtWatchers() }
        }
    }

    /// Reaps the daemons that come to this process when it is the first of its namespace.
    private static func reap(clock: SystemClock) async {
        guard AdoptedChildren.isAdopter else { return }
        while !Task.isCancelled {
            try? await clock.sleep(for: .seconds(1))
            AdoptedChildren.reap()
        }
    }

    /// Puts in order what an earlier run left, as soon as etcd answers.
    private static func recover(_ driver: VolumeDriver, clock: SystemClock, log: Logger) async {
        while !Task.isCancelled {
            do {
                return try await driver.recover()
            } catch {
                log.warning("could not look at the mounts of this node yet", metadata: ["error": "\(error)"])
                try? await clock.sleep(for: .seconds(2))
            }
        }
    }
}

extension ClosedMountRoot {
    fileprivate func tellingOfOpenParent(_ log: Logger) -> ClosedMountRoot {
        guard let openParent else { return self }
        log.warning(
            "other users of this host can enter the mount root; mounting volumes in a closed folder in it",
            metadata: [
                "root": "\(openParent)", "folder": "\(path)",
                "remedy": "chmod 0700 \(openParent), if nothing else is in it, and restart",
            ])
        return self
    }
}

/// Work that goes on beside the server and ends with it.
private struct Background: Service {
    let work: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
        // The group takes the end of a service for the end of its work only; it goes on with the others.
        try? await gracefulShutdown()
    }
}

/// The server on its socket.
private struct SocketService: Service {
    let server: VolumeServer
    let drainTimeout: Duration
    /// Before the calls that run are waited for.
    let onEnd: @Sendable () -> Void

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await server.serveUntilDrained()
        } onGracefulShutdown: {
            ServiceManager.tellStopping()
            onEnd()
            Task { await server.drain(timeout: drainTimeout) }
        }
    }
}
