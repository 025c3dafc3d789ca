import VolumeCore

/// Makes the mapper that suits this node, which also looks after what others have left mapped on it.
public struct MapperFactory: Sendable {
    private let files: CephClientFiles
    private let client: @Sendable () async throws -> KernelClient
    private let fsid: String?
    private let stateFolder: String
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let watchers: @Sendable (ImageReference) async throws -> WatchedImage
    private let probe: MapperProbe
    private let sys: String

    /// - Parameters:
    ///   - client: how the kernel is to reach the cluster.
    ///   - fsid: the cluster's id, when it is known; the kernel's driver is not used without.
    ///   - stateFolder: `RBD_STATE_DIR`.
    ///   - watchers: who has the image open for writing (`rbd_watchers_list`), and which image that is.
    public init(
        files: CephClientFiles, client: @escaping @Sendable () async throws -> KernelClient, fsid: String?,
        stateFolder: String, runner: any CommandRunner, kernel: KernelCalls,
        watchers: @escaping @Sendable (ImageReference) async throws -> WatchedImage
    ) {
        self.init(
            files: files, client: client, fsid: fsid, stateFolder: stateFolder, runner: runner, kernel: kernel,
            probe: MapperProbe(runner: runner, kernel: kernel), sys: "/sys", watchers: watchers)
    }

    /// - Parameter sys: where sysfs is mounted; another folder in tests.
    init(
        files: CephClientFiles, client: @escaping @Sendable () async throws -> KernelClient, fsid: String?,
        stateFolder: String, runner: any CommandRunner, kernel: KernelCalls, probe: MapperProbe, sys: String,
        watchers: @escaping @Sendable (ImageReference) async throws -> WatchedImage
    ) {
        self.files = files
        self.client = client
        self.fsid = fsid
        self.stateFolder = stateFolder
        self.runner = runner
        self.kernel = kernel
        self.watchers = watchers
        self.probe = probe
        self.sys = sys
    }

    /// Looks at the node and chooses.
    /// - Parameter wanted: the setting; `nil` for `auto`.
    /// - Returns: the mapper, and which one it is and why.
    /// - Throws: `VolumeError`, mostly with code `unsupported`, which says what each way of mapping lacks.
    public func make(
        _ wanted: MapperKind?
    ) async throws -> (mapper: any DeviceMapper, selection: MapperSelection) {
        let selection = try MapperSelection.choose(wanted, lacks: try await probe.look(for: wanted, as: client))
        let present = try mapper(of: selection.kind)
        let former = try await others(than: selection.kind)
        return (former.isEmpty ? present : PresentAndFormerMappers(present, former: former, traces: traces), selection)
    }

    /// Those that have left something mapped here when one of them was this node's mapper.
    private func others(than present: MapperKind) async throws -> [MapperKind: any DeviceMapper] {
        var others: [MapperKind: any DeviceMapper] = [:]
        for kind in MapperKind.allCases where kind != present {
            if try await traces.exist(of: kind) { others[kind] = try mapper(of: kind, isFormer: true) }
        }
        return others
    }

    private var traces: MappingTraces { MappingTraces(stateFolder: stateFolder, kernel: kernel, sys: sys) }

    private func mapper(of kind: MapperKind, isFormer: Bool = false) throws -> any DeviceMapper {
        switch kind {
        case .krbd:
            guard let fsid else {
                // Without it the devices of another cluster could be taken for this one's.
                throw VolumeError(
                    .unavailable, "choose a mapper", why: "Ceph has not said yet which cluster it is",
                    remedy: "try again when Ceph answers", outcome: .refused)
            }
            return KrbdMapper(
                client: client, fsid: fsid, stateFolder: stateFolder, runner: runner, kernel: kernel, sys: sys,
                leavesOthersAlone: isFormer)
        case .nbd:
            return NbdMapper(
                files: files, stateFolder: stateFolder, runner: runner, kernel: kernel, sys: sys, watchers: watchers)
        case .fuse:
            return try FuseMapper(
                files: files, stateFolder: stateFolder, runner: runner, kernel: kernel, watchers: watchers)
        }
    }
}
