import Blocking
import EtcdClient
import EtcdState
import FoundationEssentials
import Glibc
import Logging
import PortContracts
import Provisioning
import RBDDriver
import Rig
import VolumeCore

@testable import CephStorage
@testable import NodeStorage

/// This machine as the contract suites want a node: the rig's Ceph and etcd, the kernel's loop devices and filesystems.
package struct RealNode: Sendable {
    package static let namespace = "contracts"

    package let scratch: ScratchFolder
    package let connection: CephConnection
    package let images: CephImageStore
    package let snapshots: CephSnapshotStore
    package let node: NodeUnderTest
    package let place: ImagePlace
    package let mapper: FuseMapper
    package let kernel: KernelCalls
    package let clock = SystemClock()

    /// Runs `body` with a node of its own and takes back what it left.
    package static func with(mappedFormatter: Bool = false, _ body: (RealNode) async throws -> Void) async throws {
        let real = try await RealNode(RigEnvironment.required(), mappedFormatter: mappedFormatter)
        var failure: (any Error)?
        do { try await body(real) } catch { failure = error }
        let left = real.scratch.kernelState
        try await real.scratch.sweep()
        try? await real.connection.close(timeout: .seconds(5))
        if let failure { throw failure }
        if !left.isEmpty { throw RigFailure("the suite left \(left)") }
    }

    private init(_ environment: RigEnvironment, mappedFormatter: Bool) async throws {
        let rig = CephRig(environment)
        let existing = try await rig.rbd("namespace", "ls", environment.pool)
        if !existing.contains(Self.namespace) {
            _ = try await rig.run("rbd", ["namespace", "create", "\(environment.pool)/\(Self.namespace)"])
        }
        scratch = try ScratchFolder("k", of: environment)
        let root = scratch.path + "/v"
        mkdir(root, 0o700)
        // The suite of the fence removes blocklist entries, which needs more than `profile rbd`.
        connection = CephConnection(
            settings: CephSettings(user: "admin", confFile: environment.adminConf), logger: Self.silent)
        images = CephImageStore(connection: connection, clock: clock)
        snapshots = CephSnapshotStore(connection: connection, clock: clock)
        let checker = try SlowE2fsck(in: scratch.path)
        let runner = ChildProcess(clock: clock, searchPath: SearchPath.standard.preceded(by: checker.folder))
        let kernel = KernelCalls(pool: BlockingPool(name: "test-kernel", perLane: 8), clock: clock)
        self.kernel = kernel
        let files = CephClientFiles(confPath: environment.adminConf, user: "admin")
        let stateFolder = scratch.path
        let newMapper: @Sendable () throws -> FuseMapper = { [images] in
            try FuseMapper(
                files: files, stateFolder: stateFolder, runner: runner, kernel: kernel,
                watchers: { try await images.watched($0) })
        }
        mapper = try newMapper()
        place = ImagePlace(
            pool: environment.pool, namespace: Self.namespace, dataPool: environment.dataPool,
            addSnapshot: { image, name in _ = try await rig.rbd("snap", "create", "\(image)@\(name)") },
            removeSnapshot: { image, name in _ = try await rig.rbd("snap", "rm", "\(image)@\(name)") },
            resize: { image, size in _ = try await rig.rbd("resize", "--size", "\(size)", "\(image)") },
            obscureLockOwner: { [connection] image in try await connection.obscureLockOwner(of: image) },
            trashByHand: { image in _ = try await rig.rbd("trash", "mv", "\(image)") },
            deleteFromTrash: { image, id in
                _ = try await rig.rbd("trash", "rm", "--no-progress", "\(image.named(id))")
            },
            allocated: { image in try await rig.allocated("\(image)") },
            breakOffRollBack: { image, id, snapshot in
                _ = try await rig.rbd("image-meta", "set", "\(image)", "rbd-plugin.rolling-back", "\(id) \(snapshot)")
            })
        let mapped = MappedFormatter(
            images: images, mapper: mapper, runner: runner, kernel: kernel, stateFolder: scratch.path,
            filesystems: LinuxFilesystemTools(runner: runner, kernel: kernel))
        let sparse = SparseImageFormatter(runner: runner, kernel: kernel, stateFolder: scratch.path)
        node = NodeUnderTest(
            images: images, snapshots: snapshots,
            formatter: mappedFormatter ? mapped : ImageFormatter(images: images, maker: sparse, fallback: mapped),
            mapper: mapper, restarted: newMapper, filesystems: LinuxFilesystemTools(runner: runner, kernel: kernel),
            mounter: try LinuxMounter(runner: runner, kernel: kernel, root: root),
            fence: CephFence(connection: connection, clock: clock), clock: clock, place: place, mountRoot: root,
            types: FilesystemType.allCases,
            growable: try Self.mayGrowExt4() ? Set(FilesystemType.allCases) : [.xfs, .btrfs],
            applications: RealApplications(rig: rig, scratch: scratch, checker: checker, connection: connection))
    }

    /// Whether this process has CAP_SYS_RESOURCE, bit 24, which ext4 demands for growing while mounted.
    private static func mayGrowExt4() throws -> Bool {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let capabilities = line.flatMap { UInt64($0.dropFirst(7).drop { $0.isWhitespace }, radix: 16) } ?? 0
        return capabilities & 1 << 24 != 0
    }

    package static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// etcd as the contract suites of the shared state want it, under a prefix of its own.
package struct RealState: Sendable {
    package let client: EtcdClient
    /// Another node's, with connections of its own.
    package let otherClient: EtcdClient
    package let keys: StateKeys
    package let clock = SystemClock()

    /// - Parameter otherClient: where there is another node to speak of.
    package init(client: EtcdClient, otherClient: EtcdClient? = nil, keys: StateKeys) {
        self.client = client
        self.otherClient = otherClient ?? client
        self.keys = keys
    }

    package static func with(_ body: (RealState) async throws -> Void) async throws {
        let environment = try RigEnvironment.required()
        let configuration = EtcdConfiguration(
            endpoints: try Endpoint.parse(environment.etcdEndpoints.joined(separator: ",")))
        let client = try EtcdClient(configuration: configuration, logger: RealNode.silent)
        let other = try EtcdClient(configuration: configuration, logger: RealNode.silent)
        let prefix = uniqueName("contract") + "/"
        var failure: (any Error)?
        do {
            try await body(RealState(client: client, otherClient: other, keys: StateKeys(prefix: prefix)))
        } catch { failure = error }
        _ = try? await client.delete(prefix: prefix)
        await client.shutdown()
        await other.shutdown()
        if let failure { throw failure }
    }

    /// Where what is unreadable is told.
    package let unreadable = UnreadableKeys(log: RealNode.silent)

    package var nodes: EtcdNodeDirectory {
        EtcdNodeDirectory(client: client, keys: keys, clock: clock, timeout: .seconds(8), unreadable: unreadable)
    }

    package var store: EtcdVolumeStore { store(client, "node-1") }

    /// Another node's: it writes with tokens of its own, and knows nothing of what the first one has done.
    package var otherStore: EtcdVolumeStore { store(otherClient, "node-2") }

    private func store(_ client: EtcdClient, _ node: String) -> EtcdVolumeStore {
        EtcdVolumeStore(
            client: client, keys: keys, clock: clock, tokens: RandomTokens(), timeout: .seconds(8),
            unreadable: unreadable, author: HistoryAuthor(node: node))
    }

    package var history: EtcdHistory {
        EtcdHistory(client: client, keys: keys, clock: clock, timeout: .seconds(8), unreadable: unreadable)
    }

    package var policies: EtcdPolicyStore { policies(client) }

    /// Another node's.
    package var otherPolicies: EtcdPolicyStore { policies(otherClient) }

    private func policies(_ client: EtcdClient) -> EtcdPolicyStore {
        EtcdPolicyStore(
            client: client, keys: keys, clock: clock, tokens: RandomTokens(), timeout: .seconds(8),
            unreadable: unreadable)
    }

    package var directory: NodeDirectoryContract {
        let hearts = Hearts(state: self)
        return NodeDirectoryContract(
            directory: nodes,
            clock: clock,
            start: { await hearts.start(NodeIdentity(node: uniqueName("node"), boot: "b1")) },
            reboot: { identity in
                await hearts.stop(identity)
                return await hearts.start(NodeIdentity(node: identity.node, boot: identity.boot + "+"))
            },
            stop: { await hearts.stop($0) })
    }
}

/// Heartbeats that run until they are stopped without a word: their lease is left to run out.
private actor Hearts {
    private let state: RealState
    private var running: [NodeIdentity: Task<Void, Never>] = [:]

    init(state: RealState) { self.state = state }

    func start(_ identity: NodeIdentity) -> NodeIdentity {
        let heart = NodeHeartbeat(
            client: state.client, keys: state.keys, record: NodeRecord(identity, since: "now", version: "test"),
            ttl: .seconds(2), clock: state.clock, log: RealNode.silent)
        running[identity] = Task { await heart.run { false } }
        return identity
    }

    func stop(_ identity: NodeIdentity) {
        running.removeValue(forKey: identity)?.cancel()
    }
}

/// Real files on real filesystems.
private struct RealApplications: NodeApplications {
    let rig: CephRig
    let scratch: ScratchFolder
    let checker: SlowE2fsck
    let connection: CephConnection

    func open(_ path: String) async throws -> @Sendable () async throws -> Void {
        let isDirectory = try attributes(of: path).st_mode & S_IFMT == S_IFDIR
        let opened = isDirectory ? path + "/held-open" : path
        let file = Glibc.open(opened, isDirectory ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(path: opened) }
        return { close(file) }
    }

    func write(_ text: String, to name: String, at mountpoint: String) async throws {
        let path = mountpoint + "/" + name
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(path: path) }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count, fsync(file) == 0 else {
            throw Failure(path: path)
        }
    }

    func read(_ name: String, at mountpoint: String) async throws -> String? {
        let path = mountpoint + "/" + name
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 && errno == ENOENT { return nil }
        guard file >= 0 else { throw Failure(path: path) }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(file, &buffer, buffer.count)
        guard count >= 0 else { throw Failure(path: path) }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    func entries(at mountpoint: String) async throws -> Set<String> {
        guard let folder = opendir(mountpoint) else { throw Failure(path: mountpoint) }
        defer { closedir(folder) }
        var names: Set<String> = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.insert(name) }
        }
        return names
    }

    func owner(of mountpoint: String) async throws -> RootOwner {
        let found = try attributes(of: mountpoint)
        return RootOwner(uid: found.st_uid, gid: found.st_gid, mode: UInt16(found.st_mode & 0o7777))
    }

    func capacity(at mountpoint: String) async throws -> UInt64 {
        var found = statvfs()
        guard statvfs(mountpoint, &found) == 0 else { throw Failure(path: mountpoint) }
        return UInt64(found.f_blocks) * UInt64(found.f_frsize)
    }

    func fill(_ name: String, _ bytes: UInt64, at mountpoint: String) async throws {
        try await write(String(repeating: "x", count: Int(bytes)), to: name, at: mountpoint)
    }

    func remove(_ name: String, of bytes: UInt64, at mountpoint: String) async throws {
        guard unlink(mountpoint + "/" + name) == 0 else { throw Failure(path: name) }
        try await runTool("sync", ["--file-system", mountpoint]).checked()
    }

    func exists(_ path: String) async throws -> Bool { access(path, F_OK) == 0 }

    func killMapping(of device: MappedDevice) async throws {
        let serves = scratch.kernelState.exports.filter { $0.arguments.contains { $0.contains(device.image.name) } }
        for daemon in serves { kill(daemon.pid, SIGKILL) }
        // What it had locked is free when its last thread has ended, and its first one may be gone before.
        let folders = serves.compactMap { daemon in
            daemon.arguments.first { $0.hasSuffix("/pid") }.map { FuseFolder(path: String($0.dropLast("/pid".count))) }
        }
        try await Rig.eventually("the daemon to be dead") { try folders.allSatisfy(FuseDaemon.isCertainlyDead) }
    }

    func holdChecks() async throws { try checker.hold() }

    func letChecksEnd() async throws { try checker.letGo() }

    /// The loop device of a file of its own: all that counts is that the mapper has no notes of it.
    func withDeviceByHand(_ image: ImageReference, _ body: (MappedDevice) async throws -> Void) async throws {
        let file = "\(scratch.path)/\(uniqueName("by-hand"))"
        try await runTool("truncate", ["-s", "32M", file]).checked()
        let path = try await runTool("losetup", ["-f", "--show", file]).checked().output.filter { !$0.isNewline }
        do {
            try await body(MappedDevice(image: image, path: path))
        } catch {
            try await runTool("losetup", ["-d", path]).checked()
            throw error
        }
        try await runTool("losetup", ["-d", path]).checked()
    }

    /// Wrong counts of what is free are repaired in passing; a root directory that is a file is for a person to judge.
    func disorder(_ device: MappedDevice, beyondRepair: Bool) async throws {
        let change = beyondRepair ? "sif <2> mode 0100644" : "ssv free_blocks_count 1"
        for request in [change, "ssv state 2"] {
            try await runTool("debugfs", ["-w", "-R", request, device.path]).checked()
        }
    }

    func give(_ device: MappedDevice, _ reason: CheckReason) async throws {
        let command =
            switch reason {
            case .notUnmounted: ["debugfs", "-w", "-R", "ssv state 0", device.path]
            case .errorSeen: ["debugfs", "-w", "-R", "ssv state 3", device.path]
            case .timesMounted: ["tune2fs", "-c", "5", "-C", "5", device.path]
            case .timePassed: ["tune2fs", "-i", "1d", "-T", "20200101", device.path]
            }
        try await runTool(command[0], Array(command.dropFirst())).checked()
    }

    func timeLeftOnBlocklist(_ client: ClientAddress) async throws -> Duration? {
        try await connection.blocklist().first { $0.address == client }.map {
            .seconds(Int($0.until.timeIntervalSinceNow))
        }
    }

    func spoil(_ image: ImageReference) async throws {
        _ = try await rig.rbd(
            "bench", "--io-type", "write", "--io-size", "4K", "--io-total", "64K", "--io-threads", "1", "\(image)")
    }

    private func attributes(of path: String) throws -> stat {
        var found = stat()
        guard stat(path, &found) == 0 else { throw Failure(path: path) }
        return found
    }

    private struct Failure: Error, CustomStringConvertible {
        let path: String
        let code = errno

        var description: String { "\(path): \(String(cString: strerror(code)))" }
    }
}
