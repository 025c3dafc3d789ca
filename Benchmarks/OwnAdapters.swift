import FoundationEssentials
import Logging
import RBDDriver
import Rig
import VolumeCore

/// The plugin's own adapters to the kernel, with all that they look at before and after they ask it.
struct OwnAdapters: KernelSteps {
    private let image: ImageReference
    private let connection: CephConnection
    private let mapper: KrbdMapper
    private let mounter: LinuxMounter
    private let mountpoint: String

    init(_ bench: Bench, image: String) throws {
        let (clock, rig) = (SystemClock(), bench.rig)
        let folder = "\(bench.plugin.scratch.path)/companion"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let runner = ChildProcess(clock: clock)
        let kernel = KernelCalls(pool: BlockingPool(name: "bench", threads: 4), clock: clock)
        let connection = CephConnection(
            settings: CephSettings(user: rig.cephUser, confFile: rig.cephConf),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        self.image = ImageReference(pool: rig.pool, name: image)
        self.connection = connection
        mapper = KrbdMapper(
            client: { try await connection.kernelClient(clock: clock) }, fsid: rig.fsid, stateFolder: folder,
            runner: runner, kernel: kernel)
        mounter = try LinuxMounter(runner: runner, kernel: kernel, root: folder)
        mountpoint = "\(folder)/volume"
    }

    func close() async { try? await connection.close(timeout: .seconds(2)) }

    func map() async throws -> String { try await mapper.map(image, options: []).path }

    func mount(_ device: String) async throws {
        try await mounter.mount(device, at: mountpoint, .ext4, options: [])
    }

    func unmount() async throws { try await mounter.unmount(mountpoint) }

    func unmap(_ device: String) async throws { try await mapper.unmap(MappedDevice(image: image, path: device)) }
}
