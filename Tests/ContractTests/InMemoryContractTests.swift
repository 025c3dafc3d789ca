import InMemoryPorts
import PortContracts
import Testing
import VolumeCore

/// The in-memory ports keep the same contracts as the real ones.
@Suite struct InMemoryContractTests {
    private let world = InMemoryNode()

    @Test(arguments: VolumeStoreContract.promises)
    func volumeStore(_ promise: ContractCase<VolumeStoreContract>) async throws {
        try await promise.check(VolumeStoreContract(store: world.ports.store, other: world.otherPorts.store))
    }

    @Test(arguments: HistoryContract.promises)
    func history(_ promise: ContractCase<HistoryContract>) async throws {
        try await promise.check(
            HistoryContract(
                store: world.ports.store, other: world.otherPorts.store, history: world.otherPorts.history,
                nodes: (world.ports.identity.node, world.otherPorts.identity.node)))
    }

    @Test(arguments: QuotaContract.promises)
    func quotas(_ promise: ContractCase<QuotaContract>) async throws {
        try await promise.check(
            QuotaContract(
                store: world.ports.store, other: world.otherPorts.store, policies: world.ports.policies))
    }

    @Test(arguments: PolicyStoreContract.promises)
    func policyStore(_ promise: ContractCase<PolicyStoreContract>) async throws {
        try await promise.check(
            PolicyStoreContract(
                store: world.ports.policies, other: world.otherPorts.policies, catalog: world.ports.catalog,
                clock: world.ports.clock))
    }

    @Test(arguments: ImageStoreContract.promises)
    func imageStore(_ promise: ContractCase<ImageStoreContract>) async throws {
        try await promise.check(
            ImageStoreContract(
                images: world.ports.images, mapper: world.ports.mapper, clock: world.ports.clock, place: world.place))
        #expect(world.leftovers == [])
    }

    @Test(arguments: SnapshotStoreContract.promises)
    func snapshotStore(_ promise: ContractCase<SnapshotStoreContract>) async throws {
        try await promise.check(
            SnapshotStoreContract(snapshots: world.ports.snapshots, images: world.ports.images, place: world.place))
        #expect(world.leftovers == [])
    }

    @Test(
        arguments: [
            VolumeFormatterContract.promises, CloneContract.promises, DeviceMapperContract.promises,
            MounterContract.promises,
            FilesystemToolsContract.promises, FenceContract.promises,
        ].flatMap(\.self))
    func node(_ promise: ContractCase<NodeUnderTest>) async throws {
        try await promise.check(world.node)
        #expect(world.leftovers == [])
    }

    @Test(arguments: IOLimiterContract.promises)
    func limiter(_ promise: ContractCase<IOLimiterContract>) async throws {
        try await promise.check(world.limits)
        #expect(world.leftovers == [])
    }

    @Test(arguments: NodeDirectoryContract.promises)
    func nodeDirectory(_ promise: ContractCase<NodeDirectoryContract>) async throws {
        try await promise.check(world.directory)
    }

    @Test(arguments: VolumeCatalogContract.promises)
    func volumeCatalog(_ promise: ContractCase<VolumeCatalogContract>) async throws {
        try await promise.check(
            VolumeCatalogContract(
                catalog: world.ports.catalog, store: world.otherPorts.store, clock: world.ports.clock))
    }

    @Test(arguments: FormerClientsContract.promises)
    func formerClients(_ promise: ContractCase<FormerClientsContract>) async throws {
        try await promise.check(SimulatedCluster().formerClients)
    }

    @Test(arguments: ClockContract.promises)
    func clock(_ promise: ContractCase<ClockContract>) async throws {
        try await promise.check(ClockContract(clock: world.ports.clock, tokens: world.ports.tokens))
    }
}
