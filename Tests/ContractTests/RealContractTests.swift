import EtcdState
import PortContracts
import RBDDriver
import RealParts
import Testing

/// The real ports keep the same contracts as the in-memory ones: on the rig's Ceph and etcd and this machine's kernel.
@Suite(.serialized) struct RealContractTests {
    @Test(arguments: VolumeStoreContract.promises)
    func volumeStore(_ promise: ContractCase<VolumeStoreContract>) async throws {
        try await RealState.with { try await promise.check(VolumeStoreContract(store: $0.store, other: $0.otherStore)) }
    }

    @Test(arguments: HistoryContract.promises)
    func history(_ promise: ContractCase<HistoryContract>) async throws {
        try await RealState.with {
            try await promise.check(
                HistoryContract(
                    store: $0.store, other: $0.otherStore, history: $0.history, nodes: ("node-1", "node-2")))
        }
    }

    @Test(arguments: QuotaContract.promises)
    func quotas(_ promise: ContractCase<QuotaContract>) async throws {
        try await RealState.with {
            try await promise.check(QuotaContract(store: $0.store, other: $0.otherStore, policies: $0.policies))
        }
    }

    @Test(arguments: NodeDirectoryContract.promises)
    func nodeDirectory(_ promise: ContractCase<NodeDirectoryContract>) async throws {
        try await RealState.with { try await promise.check($0.directory) }
    }

    @Test(arguments: PolicyStoreContract.promises)
    func policyStore(_ promise: ContractCase<PolicyStoreContract>) async throws {
        try await watching { state, catalog in
            try await promise.check(
                PolicyStoreContract(
                    store: state.policies, other: state.otherPolicies, catalog: catalog, clock: state.clock))
        }
    }

    @Test(arguments: VolumeCatalogContract.promises)
    func volumeCatalog(_ promise: ContractCase<VolumeCatalogContract>) async throws {
        try await watching { state, catalog in
            try await promise.check(
                VolumeCatalogContract(catalog: catalog, store: state.otherStore, clock: state.clock))
        }
    }

    private func watching(_ body: (RealState, WatchedVolumes) async throws -> Void) async throws {
        try await RealState.with { state in
            let catalog = WatchedVolumes(
                keys: state.keys, unreadable: UnreadableKeys(log: RealNode.silent), log: RealNode.silent)
            let watching = Task { await catalog.run(client: state.client, clock: state.clock) }
            defer { watching.cancel() }
            await catalog.firstReading()
            #expect(catalog.isLoaded)
            try await body(state, catalog)
        }
    }

    @Test(arguments: SnapshotStoreContract.promises)
    func snapshotStore(_ promise: ContractCase<SnapshotStoreContract>) async throws {
        try await RealNode.with { real in
            try await promise.check(
                SnapshotStoreContract(snapshots: real.snapshots, images: real.images, place: real.place))
        }
    }

    @Test(arguments: ImageStoreContract.promises)
    func imageStore(_ promise: ContractCase<ImageStoreContract>) async throws {
        try await RealNode.with { real in
            try await promise.check(
                ImageStoreContract(images: real.images, mapper: real.mapper, clock: real.clock, place: real.place))
        }
    }

    @Test(
        arguments: [
            VolumeFormatterContract.promises, DeviceMapperContract.promises, MounterContract.promises,
            FilesystemToolsContract.promises, FenceContract.promises,
        ].flatMap(\.self))
    func node(_ promise: ContractCase<NodeUnderTest>) async throws {
        try await RealNode.with { try await promise.check($0.node) }
    }

    @Test(arguments: CloneContract.promises)
    func clones(_ promise: ContractCase<NodeUnderTest>) async throws {
        try await RealNode.with { try await promise.check($0.node) }
    }

    @Test(arguments: IOLimiterContract.promises)
    func limiter(_ promise: ContractCase<IOLimiterContract>) async throws {
        try await RealNode.with { try await promise.check($0.limits) }
    }

    /// For sizes of which no sparse file can be made.
    @Test(arguments: VolumeFormatterContract.promises)
    func mappedFormatter(_ promise: ContractCase<NodeUnderTest>) async throws {
        try await RealNode.with(mappedFormatter: true) { try await promise.check($0.node) }
    }

    @Test(arguments: FormerClientsContract.promises)
    func formerClients(_ promise: ContractCase<FormerClientsContract>) async throws {
        try await LinuxBench.run("notes") { try await promise.check(FormerClientsContract($0)) }
    }

    @Test(arguments: ClockContract.promises)
    func clock(_ promise: ContractCase<ClockContract>) async throws {
        try await promise.check(ClockContract(clock: SystemClock(), tokens: RandomTokens()))
    }
}
