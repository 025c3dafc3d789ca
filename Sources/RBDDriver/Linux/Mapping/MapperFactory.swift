import VolumeCore

/// Makes the mapper that suits this node.
public struct MapperFactory: Sendable {
    private let files: CephClientFiles
    private let client: @Sendable () async throws -> KernelClient
    private let fsid: String?
    private let stateFolder: String
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let watchers: @Sendable (ImageReference) async throws -> [ClientAddress]

    /// - Parameters:
    ///   - client: how the kernel is to reach the cluster.
    ///   - fsid: the cluster's id, when it is known.
    ///   - stateFolder: `RBD_STATE_DIR`.
    ///   - watchers: who has the image open for writing (`rbd_watchers_list`).
    public init(
        files: CephClientFiles, client: @escaping @Sendable () async throws -> KernelClient, fsid: String?,
        stateFolder: String, runner: any CommandRunner, kernel: KernelCalls,
        watchers: @escaping @Sendable (ImageReference) async throws -> [ClientAddress]
    ) {
        self.files = files
        self.client = client
        self.fsid = fsid
        self.stateFolder = stateFolder
        self.runner = runner
        self.kernel = kernel
        self.watchers = watchers
    }

    /// Looks at the node and chooses.
    /// - Parameter wanted: the setting; `nil` for `auto`.
    /// - Returns: the mapper, and which one it is and why.
    /// - Throws: `VolumeError` with code `unsupported`, which says what each way of mapping lacks.
    public func make(
        _ wanted: MapperSelection.Kind?
    ) async throws -> (mapper: any DeviceMapper, selection: MapperSelection) {
        let lacks = try await MapperProbe(runner: runner, kernel: kernel).look(for: wanted)
        let selection = try MapperSelection.choose(wanted, lacks: lacks)
        return (try mapper(of: selection.kind), selection)
    }

    private func mapper(of kind: MapperSelection.Kind) throws -> any DeviceMapper {
        switch kind {
        case .krbd:
            KrbdMapper(client: client, fsid: fsid, stateFolder: stateFolder, runner: runner, kernel: kernel)
        case .nbd:
            NbdMapper(files: files, stateFolder: stateFolder, runner: runner, kernel: kernel, watchers: watchers)
        case .fuse:
            try FuseMapper(
                files: files, stateFolder: stateFolder, runner: runner, kernel: kernel, watchers: watchers)
        }
    }
}
