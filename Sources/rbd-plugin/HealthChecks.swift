import DockerVolumeAPI
import RBDDriver
import Synchronization
import VolumeCore

/// How the plugin and its backends are doing: for `/healthz`, and as gauges for `/metrics`.
final class HealthChecks: Sendable {
    private let connection: CephConnection
    private let catalog: WatchedVolumes
    private let mapper: ChosenMapper
    private let readiness: Readiness
    private let latest = Mutex(HealthReport(healthy: false, components: []))

    init(connection: CephConnection, catalog: WatchedVolumes, mapper: ChosenMapper, readiness: Readiness) {
        self.connection = connection
        self.catalog = catalog
        self.mapper = mapper
        self.readiness = readiness
    }

    /// The report that was made last.
    func isUp(_ component: String) -> Bool {
        latest.withLock { $0.components.first { $0.name == component }?.ok ?? false }
    }

    func refresh() async { _ = await report() }

    @Sendable func report() async -> HealthReport {
        let components = [etcd, await ceph, await device] + readiness.troubles
        let report = HealthReport(healthy: components.allSatisfy(\.ok), components: components)
        latest.withLock { $0 = report }
        return report
    }

    private var etcd: HealthReport.Component {
        if catalog.isCurrent { return .init(name: "etcd", ok: true, detail: "the watch on all volumes is running") }
        return .init(
            name: "etcd", ok: false,
            detail: catalog.isLoaded
                ? "out of reach; volumes are answered from memory" : "out of reach since the plugin started")
    }

    private var ceph: HealthReport.Component {
        get async {
            switch await connection.status {
            case .connected(let fsid, let id):
                .init(name: "ceph", ok: true, detail: "connected to cluster \(fsid) as client.\(id)")
            case .connecting(let error): .init(name: "ceph", ok: false, detail: error.map { "\($0)" } ?? "connecting")
            case .disconnected(let error):
                .init(name: "ceph", ok: false, detail: error.map { "\($0)" } ?? "not connected")
            case .closed: .init(name: "ceph", ok: false, detail: "closed")
            }
        }
    }

    private var device: HealthReport.Component {
        get async {
            do {
                return .init(name: "mapper", ok: true, detail: try await mapper.choose().kind)
            } catch {
                return .init(name: "mapper", ok: false, detail: "\(error)")
            }
        }
    }
}
