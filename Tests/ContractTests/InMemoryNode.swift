import InMemoryPorts
import PortContracts
import VolumeCore

/// A simulated cluster of two nodes as the contract suites want it.
struct InMemoryNode: Sendable {
    let cluster: SimulatedCluster
    let ports: NodePorts
    let otherPorts: NodePorts

    init() {
        cluster = SimulatedCluster(nodes: ["a", "b"], pools: ["rbd", "slow"])
        cluster.mutate { _ = $0.ceph.pools["rbd"]?.namespaces.insert("team") }
        ports = cluster.startPlugin(on: "a")
        otherPorts = cluster.startPlugin(on: "b")
    }

    var place: ImagePlace {
        ImagePlace(
            pool: "rbd", namespace: "team", dataPool: "slow",
            addSnapshot: { image, name in try cluster.mutate { try $0.addSnapshot(name, of: image) } },
            removeSnapshot: { image, name in try cluster.mutate { try $0.removeSnapshot(name, of: image) } },
            resize: { image, size in try cluster.mutate { try $0.resize(image, to: size) } },
            obscureLockOwner: { image in cluster.mutate { $0.obscureLockOwner(of: image) } },
            trashByHand: { image in cluster.mutate { $0.trashByHand(image) } },
            deleteFromTrash: { _, id in
                guard cluster.world.ceph.trash[id] != nil else { throw VolumeError(.notFound, "delete", why: "gone") }
                cluster.mutate { $0.deleteByHand(id) }
            },
            allocated: { image in cluster.world.allocated(image) },
            breakOffRollBack: { image, _, snapshot in cluster.mutate { $0.breakOffRollBack(of: image, to: snapshot) } })
    }

    var node: NodeUnderTest {
        NodeUnderTest(
            images: ports.images, snapshots: ports.snapshots, formatter: ports.formatter, mapper: ports.mapper,
            restarted: { InMemoryMapper(ports.process) }, filesystems: ports.filesystems,
            mounter: ports.mounter, fence: ports.fence, clock: ports.clock, place: place, mountRoot: "/mnt/volumes",
            types: FilesystemType.allCases, growable: Set(FilesystemType.allCases),
            applications: InMemoryApplications(cluster: cluster, node: "a"))
    }

    var limits: IOLimiterContract {
        IOLimiterContract(
            node: node, limiter: ports.limiter, restarted: { InMemoryIOLimiter(ports.process) },
            inForce: { device in cluster.world.nodes["a"]?.kernel.devices[device.path]?.limits ?? .none })
    }

    var directory: NodeDirectoryContract {
        NodeDirectoryContract(
            directory: ports.directory, clock: ports.clock,
            start: { cluster.startPlugin(on: "b").identity },
            reboot: { identity in
                cluster.mutate { $0.reboot(identity.node) }
                return cluster.startPlugin(on: identity.node).identity
            },
            stop: { identity in cluster.mutate { $0.killPlugin(on: identity.node) } })
    }

    /// Images, mappings, mounts and directories that a suite has not cleared away, and harm that was done.
    var leftovers: [String] {
        let world = cluster.world
        let kernels = world.nodes.values.map(\.kernel)
        return world.ceph.images.keys.map { "image \($0)" } + world.ceph.trash.keys.map { "trash \($0)" }
            + kernels.flatMap { $0.devices.keys.map { "device \($0)" } }
            + kernels.flatMap { $0.mounts.map { "mount \($0.mountpoint)" } }
            + kernels.flatMap { $0.directories.map { "directory \($0)" } }
            + world.harm.map { "harm: \($0)" }
    }
}

/// Files are records of the simulated filesystem: `name=text`, the last one of a name counts.
struct InMemoryApplications: NodeApplications {
    let cluster: SimulatedCluster
    let node: String

    func open(_ path: String) async throws -> @Sendable () async throws -> Void {
        let holder = try cluster.mutate { world in
            path.hasPrefix("/dev/")
                ? try world.openDevice(path, on: node) : try world.openFile(on: node, at: path)
        }
        return { cluster.mutate { $0.release(holder) } }
    }

    func write(_ text: String, to name: String, at mountpoint: String) async throws {
        try cluster.mutate { try $0.write("\(name)=\(text)", on: node, at: mountpoint) }
    }

    func read(_ name: String, at mountpoint: String) async throws -> String? {
        try filesystem(at: mountpoint).records.last { $0.hasPrefix(name + "=") }.map {
            String($0.dropFirst(name.utf8.count + 1))
        }
    }

    func entries(at mountpoint: String) async throws -> Set<String> {
        let filesystem = try filesystem(at: mountpoint)
        let files = filesystem.records.filter { !$0.contains("/") }.map { String($0.prefix { $0 != "=" }) }
        return Set(files + (filesystem.hasLostAndFound ? ["lost+found"] : []))
    }

    func owner(of mountpoint: String) async throws -> RootOwner {
        let filesystem = try filesystem(at: mountpoint)
        return RootOwner(uid: filesystem.uid, gid: filesystem.gid, mode: filesystem.mode)
    }

    func capacity(at mountpoint: String) async throws -> UInt64 { try filesystem(at: mountpoint).size.bytes }

    func fill(_ name: String, _ bytes: UInt64, at mountpoint: String) async throws {
        try cluster.mutate { try $0.fill(bytes, on: node, at: mountpoint) }
    }

    func remove(_ name: String, of bytes: UInt64, at mountpoint: String) async throws {
        try cluster.mutate { try $0.empty(bytes, on: node, at: mountpoint) }
    }

    func exists(_ path: String) async throws -> Bool {
        let kernel = cluster.world.nodes[node]?.kernel
        return kernel?.devices[path] != nil || kernel?.directories.contains(path) == true
    }

    func killMapping(of device: MappedDevice) async throws {
        cluster.mutate { $0.killMapping(device.path, on: node) }
    }

    func holdChecks() async throws { cluster.mutate { [node] in $0.holdChecks(on: node) } }

    func letChecksEnd() async throws { cluster.mutate { [node] in $0.letChecksEnd(on: node) } }

    func withDeviceByHand(_ image: ImageReference, _ body: (MappedDevice) async throws -> Void) async throws {
        let device = try cluster.mutate { try $0.mapByHand(image, on: node) }
        do {
            try await body(device)
        } catch {
            try cluster.mutate { try $0.unmapByHand(device, on: node) }
            throw error
        }
        try cluster.mutate { try $0.unmapByHand(device, on: node) }
    }

    func disorder(_ device: MappedDevice, beyondRepair: Bool) async throws {
        cluster.mutate { if beyondRepair { $0.damage(device.image) } else { $0.disorder(device.image) } }
    }

    func give(_ device: MappedDevice, _ reason: CheckReason) async throws {
        cluster.mutate {
            if reason == .notUnmounted { $0.leaveMounted(device.image) } else { $0.makeCheckDue(device.image) }
        }
    }

    func timeLeftOnBlocklist(_ client: ClientAddress) async throws -> Duration? {
        cluster.world.timeLeftOnBlocklist(client)
    }

    func spoil(_ image: ImageReference) async throws {
        try cluster.mutate { try $0.spoil(image) }
    }

    private func filesystem(at mountpoint: String) throws -> SimulatedFilesystem {
        try cluster.mutate { try $0.filesystem(on: node, at: mountpoint) }
    }
}
