import CephStorage
import DockerVolumeAPI
import Metrics
import PrometheusMetrics
import RBDDriver
import VolumeCore

/// The metrics system, with what is only known at the moment of a scrape.
enum PluginMetrics {
    static func bootstrap(driver: VolumeDriver, health: HealthChecks, connection: CephConnection) -> PrometheusRegistry
    {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        for (name, text) in OperationMetrics.help { registry.describe(name, text) }
        let catalog = driver.ports.catalog
        registry.registerGauge("rbd_plugin_volumes", help: "Volumes recorded in etcd.") {
            Double(catalog.compactMap { _ in () }.count)
        }
        registry.registerGauge("rbd_plugin_mounted_volumes", help: "Volumes that this node has mounted.") {
            Double(driver.held.count)
        }
        registry.registerGauge(
            "rbd_plugin_operations_at_work", help: "Operations that are using Ceph or the kernel."
        ) { Double(driver.load.atWork) }
        registry.registerGauge(
            "rbd_plugin_operations_waiting", help: "Operations that wait for others on volumes of the same pool."
        ) { Double(driver.load.waiting) }
        registry.registerGauge(
            "rbd_plugin_trash_images", help: "Images of removed volumes that wait in Ceph's trash for deletion."
        ) { Double(driver.imagesInTrash) }
        registerSpace(driver, in: registry)
        registerSnapshots(driver, in: registry)
        registry.registerGauge(
            "rbd_plugin_blocklist_entries",
            help: "Entries on Ceph's blocklist when this plugin last read it; NaN before that."
        ) { connection.knownBlocklistLength.map(Double.init) ?? .nan }
        registry.registerCounter(
            "rbd_plugin_log_lines_dropped_total", help: "Log lines that were dropped because nothing read them in time."
        ) { Double(LogOutput.droppedLines) }
        register(health, in: registry)
        return registry
    }

    private static func registerSpace(_ driver: VolumeDriver, in registry: PrometheusRegistry) {
        for outcome in AutogrowOutcome.allCases {
            registry.registerCounter(
                "rbd_plugin_autogrow_total",
                help: "Volumes that were nearly full and had to grow by themselves, by what came of it.",
                labels: [("outcome", outcome.rawValue)]
            ) { Double(driver.autogrowOutcomes[outcome] ?? 0) }
        }
        registry.registerCounter("rbd_plugin_trims_total", help: "Trims of volumes that were carried out.") {
            Double(driver.trimTotals.trims)
        }
        registry.registerCounter(
            "rbd_plugin_trimmed_bytes_total", help: "Bytes that filesystems have reported as unused when trimmed."
        ) { Double(driver.trimTotals.bytes) }
    }

    private static func registerSnapshots(_ driver: VolumeDriver, in registry: PrometheusRegistry) {
        for outcome in SnapshotOutcome.allCases {
            registry.registerCounter(
                "rbd_plugin_scheduled_snapshots_total",
                help: "Snapshots that this node has taken and removed by schedule, and attempts that failed.",
                labels: [("outcome", outcome.rawValue)]
            ) { Double(driver.snapshotOutcomes[outcome] ?? 0) }
        }
    }

    private static func register(_ health: HealthChecks, in registry: PrometheusRegistry) {
        let asked: [(String, @Sendable () -> HealthReport.Component)] = [
            ("ceph", { health.ceph }), ("etcd", { health.etcd }),
        ]
        for (backend, component) in asked {
            registry.registerGauge(
                "rbd_plugin_backend_up", help: upHelp, labels: [("backend", backend)]
            ) { component().ok ? 1 : 0 }
            registry.registerGauge(
                "rbd_plugin_backend_answer_age_seconds",
                help: "How long ago the backend last answered a request; NaN if it never has.",
                labels: [("backend", backend)]
            ) { component().ageSeconds ?? .nan }
        }
        registry.registerGauge("rbd_plugin_backend_up", help: upHelp, labels: [("backend", "mapper")]) {
            health.hasMapper ? 1 : 0
        }
    }

    private static let upHelp =
        "1 if the backend answered a small request in the last seconds; for the mapper, 1 if one works here."
}
