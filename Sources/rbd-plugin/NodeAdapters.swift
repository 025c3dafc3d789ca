import Logging
import PluginConfiguration
import RBDDriver
import VolumeCore

/// The adapters to this node's kernel and tools.
struct NodeAdapters {
    let mapper: ChosenMapper
    let mounter: LinuxMounter
    let filesystems: LinuxFilesystemTools
    let formatter: ImageFormatter

    init(
        _ settings: Settings, ceph: CephClientConfiguration, connection: CephConnection, images: CephImageStore,
        mountRoot: String, clock: SystemClock, log: Logger
    ) throws {
        try PrivateFile.makeDirectory(settings.stateDirectory)
        try PrivateFile.makeDirectory(mountRoot)
        let runner = ChildProcess(clock: clock)
        let kernel = KernelCalls(pool: BlockingPool(name: "kernel-call", threads: 16), clock: clock)
        mounter = try LinuxMounter(runner: runner, kernel: kernel, root: mountRoot)
        filesystems = LinuxFilesystemTools(runner: runner, kernel: kernel)
        let files = CephClientFiles(confPath: ceph.confPath, user: settings.ceph.user, keyringPath: ceph.keyringPath)
        let folder = settings.stateDirectory
        mapper = ChosenMapper {
            try FuseMapper(files: files, stateFolder: folder, runner: runner, kernel: kernel) { image in
                try await images.watchers(of: image)
            }
        }
        formatter = ImageFormatter(
            connection: connection, clock: clock,
            maker: SparseImageFormatter(runner: runner, kernel: kernel, stateFolder: settings.stateDirectory),
            fallback: MappedFormatter(mapper: mapper, runner: runner, kernel: kernel))
    }
}
