import CephStorage
import DockerVolumeAPI
import EtcdState
import NodeStorage
import Synchronization
import VolumeCore

/// How the plugin and its backends are doing: for `/healthz`, and as gauges for `/metrics`.
///
/// etcd, Ceph's monitors, and the OSDs of each pool that has volumes are asked something small every few seconds. Ceph is
/// well when all of these answer.
final class HealthChecks: PoolHealth {
    /// Pools beyond that number are not asked.
    private static let mostPools = 32

    private let connection: CephConnection
    private let catalog: WatchedVolumes
    private let mapper: DeferredMapper
    private let readiness: Readiness
    private let defaultPool: String?
    private let pace: BackendProbe.Pace
    private let etcdProbe: BackendProbe
    private let monitors: BackendProbe
    private let pools = Mutex<[String: BackendProbe]>([:])
    private let mapperIsThere = Mutex(false)

    /// - Parameters:
    ///   - defaultPool: is asked even without volumes.
    ///   - askEtcd: makes one small request.
    init(
        connection: CephConnection, catalog: WatchedVolumes, mapper: DeferredMapper, readiness: Readiness,
        defaultPool: String?, pace: BackendProbe.Pace, askEtcd: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.connection = connection
        self.catalog = catalog
        self.mapper = mapper
        self.readiness = readiness
        self.defaultPool = defaultPool
        self.pace = pace
        etcdProbe = BackendProbe(pace) {
            try await askEtcd($0)
            return "answers, and the watch on all volumes is running"
        }
        monitors = BackendProbe(pace) {
            try await connection.askMonitors(timeout: $0)
            guard case .connected(let fsid, let id) = await connection.status else { return "connected" }
            return "connected to cluster \(fsid) as client.\(id)"
        }
    }

    /// Asks until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { probes in
            probes.addTask { await self.etcdProbe.run() }
            probes.addTask { await self.monitors.run() }
            for round in 0... {
                // Looking through all volumes is worth it once a minute.
                findPools(amongAll: round % 12 == 0)
                for probe in pools.withLock({ $0 }).values { probes.addTask { await probe.askOnce() } }
                try? await Task.sleep(for: pace.every)
                if Task.isCancelled { return }
            }
        }
    }

    func silence(of pool: String) -> Duration? { pools.withLock { $0[pool] }?.silence }

    @Sendable func report() async -> HealthReport {
        let components = [etcd, ceph, await lookAtMapper()] + readiness.troubles
        return HealthReport(healthy: components.allSatisfy(\.ok), components: components)
    }

    var etcd: HealthReport.Component {
        var component = etcdProbe.component("etcd")
        guard component.ok, !catalog.isCurrent else { return component }
        component.ok = false
        component.detail =
            catalog.isLoaded
            ? "answers, but the watch on all volumes is broken; the plugin answers from memory"
            : "answers, but the plugin has not read the volumes yet"
        return component
    }

    /// As unwell as the worst part of it, and as long out of reach.
    var ceph: HealthReport.Component {
        var whole = monitors.component("ceph")
        for (name, probe) in pools.withLock({ $0 }).sorted(by: { $0.key < $1.key }) where probe.hasAsked {
            let part = probe.component("ceph")
            guard part.ok else {
                if !whole.ok { return whole }
                whole = part
                whole.detail = "the OSDs of pool '\(name)': \(part.detail)"
                return whole
            }
            whole.ageSeconds = whole.ageSeconds.flatMap { age in part.ageSeconds.map { max(age, $0) } }
        }
        return whole
    }

    /// How long a small request took that was answered lately: to etcd, to Ceph's monitors, and to the slowest pool's OSDs.
    var answerTimes: [(backend: String, took: Duration)] {
        let slowest = pools.withLock { $0 }.values.compactMap(\.answerTook).max()
        return [("etcd", etcdProbe.answerTook), ("ceph-monitors", monitors.answerTook), ("ceph-osds", slowest)]
            .compactMap { backend, took in took.map { (backend, $0) } }
    }

    /// What the last look at the mapper showed.
    var hasMapper: Bool { mapperIsThere.withLock { $0 } }

    @discardableResult
    func lookAtMapper() async -> HealthReport.Component {
        let component: HealthReport.Component
        do {
            component = .init(name: "mapper", ok: true, detail: try await mapper.choose().kind)
        } catch {
            component = .init(name: "mapper", ok: false, detail: "\(error)")
        }
        mapperIsThere.withLock { $0 = component.ok }
        return component
    }

    /// A probe for each pool that has volumes; those of pools that have none any more are let go.
    /// - Parameter amongAll: whether volumes at rest are looked at as well.
    private func findPools(amongAll: Bool) {
        var names = Set(catalog.unsettled().compactMap { $0.volume?.record.image.pool })
        if amongAll {
            names.formUnion(catalog.compactMap { $0.volume?.record.image.pool })
        } else {
            names.formUnion(pools.withLock { $0 }.keys)
        }
        if let defaultPool { names.insert(defaultPool) }
        let used = names.sorted().prefix(Self.mostPools)
        pools.withLock { pools in
            pools = Dictionary(
                uniqueKeysWithValues: used.map { [connection] name in
                    let probe =
                        pools[name]
                        ?? BackendProbe(pace) {
                            try await connection.askOSDs(of: name, timeout: $0)
                            return "answer"
                        }
                    return (name, probe)
                })
        }
    }
}
