import Logging
import PluginConfiguration
import RBDDriver
import VolumeCore

/// The adapters to this node's kernel and tools.
struct NodeAdapters {
    let mapper: ChosenMapper
    let mounter: LinuxMounter
    let filesystems: LinuxFilesystemTools
    let formatter: SparseImageFormatter

    init(
        _ settings: Settings, ceph: CephClientConfiguration, images: CephImageStore, mountRoot: String,
        clock: SystemClock, log: Logger
    ) throws {
        try PrivateFile.makeDirectory(settings.stateDirectory)
        try PrivateFile.makeDirectory(mountRoot)
        let runner = ChildProcess(clock: clock)
        let kernel = KernelCalls(clock: clock)
        mounter = try LinuxMounter(runner: runner, kernel: kernel, root: mountRoot)
        filesystems = LinuxFilesystemTools(runner: runner, kernel: kernel)
        formatter = SparseImageFormatter(runner: runner, kernel: kernel, stateFolder: settings.stateDirectory)
        let files = CephClientFiles(confPath: ceph.confPath, user: settings.ceph.user, keyringPath: ceph.keyringPath)
        let (wanted, folder) = (settings.devices.mapper, settings.stateDirectory)
        mapper = ChosenMapper {
            fatalError()
        }
    }
}
