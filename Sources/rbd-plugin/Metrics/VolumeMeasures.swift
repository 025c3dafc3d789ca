import NodeStorage
import RBDDriver
import Synchronization
import VolumeCore

/// What the volumes that this node has mounted measure. It is looked at when somebody reads the metrics, and never waited for long:
/// of a volume that hangs there is no value then.
final class VolumeMeasures: Sendable {
    /// One mounted volume.
    struct Measure: Sendable {
        let name: VolumeName
        let pool: String
        /// Of the image, as it is recorded.
        let size: VolumeSize
        let limits: IOLimits
        let usage: FilesystemUsage?
        let statistics: DeviceStatistics?
    }

    /// As they were when the metrics were last read.
    struct Contents: Sendable {
        var measures: [Measure] = []
        /// How many mounted volumes are not among them.
        var leftOut = 0
    }

    private static let patience = Duration.seconds(2)
    private static let atOnce = 8

    private let driver: VolumeDriver
    private let statistics: DeviceStatisticsReader
    private let most: Int
    private let latest = Mutex(Contents())

    /// - Parameter most: the most volumes that are looked at.
    init(driver: VolumeDriver, statistics: DeviceStatisticsReader, most: Int) {
        self.driver = driver
        self.statistics = statistics
        self.most = most
    }

    var contents: Contents { latest.withLock { $0 } }

    func look() async {
        let mounted = driver.held.filter { $0.attachment?.record.state == .attached }.sorted { $0.name < $1.name }
        let deadline = driver.ports.clock.now() + Self.patience
        let measures = await Deadline.$current.withValue(deadline) { await measure(mounted.prefix(most)) }
        latest.withLock { $0 = Contents(measures: measures, leftOut: mounted.count - min(mounted.count, most)) }
    }

    private func measure(_ volumes: ArraySlice<StoredVolume>) async -> [Measure] {
        await withTaskGroup(of: Measure?.self) { group in
            var (measures, rest) = ([Measure](), volumes)
            for stored in rest.prefix(Self.atOnce) { group.addTask { await self.measure(stored) } }
            rest = rest.dropFirst(Self.atOnce)
            for await measure in group {
                if let measure { measures.append(measure) }
                if let stored = rest.popFirst() { group.addTask { await self.measure(stored) } }
            }
            return measures
        }
    }

    private func measure(_ stored: StoredVolume) async -> Measure? {
        guard let volume = stored.volume?.record, let mount = stored.attachment?.record, let device = mount.exposed,
            let mountpoint = mount.mountpoint
        else { return nil }
        async let usage = try? driver.ports.filesystems.usage(of: device, mountpoint: mountpoint)
        async let counted = try? statistics.read(device)
        return Measure(
            name: volume.name, pool: volume.image.pool, size: volume.spec.size, limits: mount.inForce.values.limits,
            usage: await usage, statistics: await counted)
    }
}
