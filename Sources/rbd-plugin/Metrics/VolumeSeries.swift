import NodeStorage
import PrometheusMetrics
import VolumeCore

/// The series of single volumes.
extension PluginMetrics {
    static func register(_ volumes: VolumeMeasures, in registry: PrometheusRegistry) {
        registerSpace(volumes, in: registry)
        registerDevices(volumes, in: registry)
        registry.registerGauges(
            "rbd_plugin_volume_limit",
            help:
                "A limit of reads and writes that is in force, by the name of the option, in operations or bytes a second."
        ) {
            volumes.contents.measures.flatMap { measure in
                measure.limits.all.map { LabelledValue(measure.labels + [("limit", $0.name)], Double($0.value)) }
            }
        }
        registry.registerGauge(
            "rbd_plugin_volumes_without_metrics",
            help: "Mounted volumes that have no metrics of their own, because METRICS_VOLUMES allows no more."
        ) { Double(volumes.contents.leftOut) }
    }

    private static func registerSpace(_ volumes: VolumeMeasures, in registry: PrometheusRegistry) {
        func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (VolumeMeasures.Measure) -> UInt64?) {
            registry.registerGauges("rbd_plugin_volume_" + name, help: help) { volumes.values(value) }
        }
        gauge("size_bytes", "Size of the volume's image, as recorded.") { $0.size.bytes }
        gauge("filesystem_bytes", "Size of the volume's filesystem.") { $0.usage?.totalBytes }
        gauge("used_bytes", "What is used of the volume's filesystem.") { $0.usage?.usedBytes }
        gauge("available_bytes", "What is free in the volume's filesystem for users other than root.") {
            $0.usage?.availableBytes
        }
        gauge("inodes", "Inodes of the volume's filesystem; 0 if it makes them as it needs them.") {
            $0.usage?.totalInodes
        }
        gauge("used_inodes", "Inodes that are used in the volume's filesystem.") { $0.usage?.usedInodes }
        gauge("io_in_flight", "Requests to the volume's device that have not ended yet.") { $0.statistics?.inFlight }
    }

    private static func registerDevices(_ volumes: VolumeMeasures, in registry: PrometheusRegistry) {
        func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (DeviceStatistics) -> Double) {
            registry.registerCounters("rbd_plugin_volume_\(name)_total", help: help) {
                volumes.contents.measures.compactMap { measure in
                    measure.statistics.map { LabelledValue(measure.labels, value($0)) }
                }
            }
        }
        counter("reads", "Reads of the volume's device that have ended, since it was mapped.") { Double($0.reads) }
        counter("writes", "Writes to the volume's device that have ended, since it was mapped.") { Double($0.writes) }
        counter("read_bytes", "Bytes read from the volume's device.") { Double($0.readBytes) }
        counter("written_bytes", "Bytes written to the volume's device.") { Double($0.writtenBytes) }
        counter("read_seconds", "How long the reads of the volume's device have taken, added up.") {
            $0.readTime / .seconds(1)
        }
        counter("write_seconds", "How long the writes to the volume's device have taken, added up.") {
            $0.writeTime / .seconds(1)
        }
    }
}

extension VolumeMeasures {
    fileprivate func values(_ value: (Measure) -> UInt64?) -> [LabelledValue] {
        contents.measures.compactMap { measure in value(measure).map { LabelledValue(measure.labels, Double($0)) } }
    }
}

extension VolumeMeasures.Measure {
    /// As Docker knows it.
    fileprivate var labels: [(String, String)] { [("volume", name.given), ("pool", pool)] }
}
