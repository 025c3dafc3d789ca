import DockerVolumeAPI
import Metrics
import PrometheusMetrics
import RBDDriver
import VolumeCore

/// The metrics system, with what is only known at the moment of a scrape.
enum PluginMetrics {
    static func bootstrap(driver: VolumeDriver, health: HealthChecks) -> PrometheusRegistry {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        for (name, text) in OperationMetrics.help { registry.describe(name, text) }
        let catalog = driver.ports.catalog
        registry.registerGauge("rbd_plugin_volumes", help: "Volumes that are recorded in etcd.") {
            Double(catalog.compactMap { _ in () }.count)
        }
        registry.registerGauge("rbd_plugin_mounted_volumes", help: "Volumes that this node has mounted.") {
            Double(driver.held.count)
        }
        registry.registerGauge(
            "rbd_plugin_operations_at_work", help: "Operations that are asking Ceph or the kernel for something."
        ) { Double(driver.load.atWork) }
        registry.registerGauge(
            "rbd_plugin_operations_waiting", help: "Operations that wait for others on volumes of the same pool."
        ) { Double(driver.load.waiting) }
        for backend in ["ceph", "etcd", "mapper"] {
            registry.registerGauge(
                "rbd_plugin_backend_up", help: "Whether the backend was in reach at the time of the scrape.",
                labels: [("backend", backend)]
            ) { health.isUp(backend) ? 1 : 0 }
        }
        return registry
    }
}
