import Blocking
import CephStorage
import Logging
import NodeStorage
import PluginConfiguration
import Provisioning
import RBDDriver
import VolumeCore

/// The adapters to this node's kernel and tools.
struct NodeAdapters {
    let mapper: DeferredMapper
    let mounter: LinuxMounter
    let limiter: ControlGroupLimiter
    let filesystems: LinuxFilesystemTools
    let formatter: ImageFormatter
    let statistics: DeviceStatisticsReader

    init(
        _ settings: Settings, ceph: CephClientConfiguration, connection: CephConnection, images: CephImageStore,
        mountRoot: String, clock: SystemClock, log: Logger
    ) throws {
        try PrivateFile.makeDirectory(settings.stateDirectory)
        let runner = ChildProcess(clock: clock).withKillPoints
        let kernel = KernelCalls(pool: BlockingPool(name: "kernel-call", perLane: 16), clock: clock)
        mounter = try LinuxMounter(runner: runner, kernel: kernel, root: mountRoot)
        limiter = ControlGroupLimiter(kernel: kernel)
        statistics = DeviceStatisticsReader(kernel: kernel)
        filesystems = LinuxFilesystemTools(runner: runner, kernel: kernel)
        let files = CephClientFiles(confPath: ceph.confPath, user: settings.ceph.user, keyringPath: ceph.keyringPath)
        let (folder, setting) = (settings.stateDirectory, settings.devices.mapper)
        mapper = DeferredMapper {
            let fsid = try? await connection.identity(timeout: .seconds(3)).fsid
            let factory = MapperFactory(
                files: files, client: { try await connection.kernelClient(clock: clock) }, fsid: fsid,
                stateFolder: folder, runner: runner, kernel: kernel,
                watchers: { try await images.watched($0) })
            let (mapper, selection) = try await factory.make(setting)
            log.info(
                "chose a mapper", metadata: ["mapper": "\(selection.kind.rawValue)", "reason": "\(selection.reason)"])
            for former in mapper.kinds where former != mapper.kind {
                log.info(
                    "another mapper keeps looking after the images that it mapped here",
                    metadata: ["mapper": "\(former)"])
            }
            return mapper
        }
        formatter = ImageFormatter(
            images: images,
            maker: SparseImageFormatter(runner: runner, kernel: kernel, stateFolder: settings.stateDirectory),
            fallback: MappedFormatter(
                images: images, mapper: mapper, runner: runner, kernel: kernel, stateFolder: settings.stateDirectory,
                filesystems: filesystems))
    }
}
