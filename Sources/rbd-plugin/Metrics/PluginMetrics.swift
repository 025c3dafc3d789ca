import CephStorage
import DockerVolumeAPI
import Metrics
import PrometheusMetrics
import RBDDriver
import VolumeCore

/// The metrics system, with what is only known at the moment of a scrape.
enum PluginMetrics {
    static func bootstrap(
        driver: VolumeDriver, health: HealthChecks, connection: CephConnection, volumes: VolumeMeasures,
        rounds: LatestRound
    ) -> PrometheusRegistry {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        for (name, text) in OperationMetrics.help { registry.describe(name, text) }
        registry.registerGauge(
            "rbd_plugin_build_info", help: "1, for this version of the plugin on this node.",
            labels: [("version", Version.text), ("node", driver.me.node)]
        ) { 1 }
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
        registerFences(driver, in: registry)
        register(volumes, in: registry)
        registry.registerGauges(
            "rbd_plugin_requests", help: "Requests of operators that are recorded in etcd, for whatever node, by state."
        ) {
            let states = catalog.unsettled().compactMap { $0.request?.record.state }
            return WorkRequest.State.allCases.map { state in
                LabelledValue([("state", state.rawValue)], Double(states.count { $0 == state }))
            }
        }
        registry.registerGauge(
            "rbd_plugin_round_age_seconds",
            help: "How long ago this plugin last looked after all its mounts to the end; NaN if it never has."
        ) { rounds.age.map { $0 / .seconds(1) } ?? .nan }
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

    private static func registerFences(_ driver: VolumeDriver, in registry: PrometheusRegistry) {
        registry.registerCounter(
            "rbd_plugin_take_overs_total", help: "Volumes that this node has taken over from a node that was gone."
        ) { Double(driver.fenceTotals.takeOvers) }
        let help = "Attempts to shut former owners of volumes out of Ceph, by what came of it."
        registry.registerCounter("rbd_plugin_fences_total", help: help, labels: [("outcome", "raised")]) {
            Double(driver.fenceTotals.raised)
        }
        registry.registerCounter("rbd_plugin_fences_total", help: help, labels: [("outcome", "failed")]) {
            Double(driver.fenceTotals.failed)
        }
        registry.registerCounter(
            "rbd_plugin_fenced_clients_total", help: "Clients of former owners that this node has put on the blocklist."
        ) { Double(driver.fenceTotals.clients) }
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
        registry.registerGauges(
            "rbd_plugin_backend_answer_seconds",
            help: "How long the latest small request took that the backend answered; absent while it does not."
        ) { health.answerTimes.map { LabelledValue([("backend", $0.backend)], $0.took / .seconds(1)) } }
        registry.registerGauge("rbd_plugin_backend_up", help: upHelp, labels: [("backend", "mapper")]) {
            health.hasMapper ? 1 : 0
        }
    }

    private static let upHelp =
        "1 if the backend answered a small request in the last seconds; for the mapper, 1 if one works here."
}
