import Blocking
import CephStorage
import FoundationEssentials
import Logging
import NodeStorage
import RBDDriver
import Rig
import VolumeCore

/// `rbd-plugin-kernel`, as the plugin runs it. Mapping is done by the whole adapter, since `rbd map`, too, asks where the
/// monitors are and looks at what came of it; mounting is the request alone, since to make and to look at the mountpoint
/// has nothing to do with who asks the kernel.
struct OwnProgram: KernelSteps {
    private let image: ImageReference
    private let connection: CephConnection
    private let mapper: KrbdMapper
    private let runner: ChildProcess
    private let mountpoint: String

    init(_ bench: Bench, image: String) throws {
        let (clock, rig) = (SystemClock(), bench.rig)
        let runner = ChildProcess(clock: clock)
        let connection = CephConnection(
            settings: CephSettings(user: rig.cephUser, confFile: rig.cephConf),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        self.image = ImageReference(pool: rig.pool, name: image)
        self.connection = connection
        self.runner = runner
        mapper = KrbdMapper(
            client: { try await connection.kernelClient(clock: clock) }, fsid: rig.fsid,
            stateFolder: bench.plugin.scratch.path, runner: runner,
            kernel: KernelCalls(pool: BlockingPool(name: "bench", perLane: 4), clock: clock))
        mountpoint = bench.hand.mountpoint
    }

    func close() async { try? await connection.close(timeout: .seconds(2)) }

    func map() async throws -> String { try await mapper.map(image, id: nil, options: []).path }

    func mount(_ device: String) async throws {
        let words = ["mount", device, mountpoint, "ext4", "0", ""]
        try await runner.succeed(Command(.kernel, words), to: "mount \(device) at \(mountpoint)")
    }

    func unmount() async throws {
        try await runner.succeed(Command(.kernel, ["unmount", mountpoint]), to: "unmount \(mountpoint)")
    }

    func unmap(_ device: String) async throws { try await mapper.unmap(MappedDevice(image: image, path: device)) }
}
