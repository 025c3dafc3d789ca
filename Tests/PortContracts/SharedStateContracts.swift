import Testing
import VolumeCore

/// What every `NodeDirectory` promises.
public struct NodeDirectoryContract: Sendable {
    let directory: any NodeDirectory
    let clock: any DriverClock
    let start: @Sendable () async throws -> NodeIdentity
    let reboot: @Sendable (NodeIdentity) async throws -> NodeIdentity
    let stop: @Sendable (NodeIdentity) async throws -> Void

    /// - Parameters:
    ///   - start: starts the heartbeat of a node.
    ///   - reboot: ends that heartbeat without a word and starts one for the next boot of the same node.
    ///   - stop: ends a heartbeat without a word.
    public init(
        directory: any NodeDirectory, clock: any DriverClock,
        start: @escaping @Sendable () async throws -> NodeIdentity,
        reboot: @escaping @Sendable (NodeIdentity) async throws -> NodeIdentity,
        stop: @escaping @Sendable (NodeIdentity) async throws -> Void
    ) {
        self.directory = directory
        self.clock = clock
        self.start = start
        self.reboot = reboot
        self.stop = stop
    }

    public static let promises: [ContractCase<Self>] = [
        .init("a node that was never heard of is not alive") {
            let isAlive = try await $0.directory.isAlive(NodeIdentity(node: Fresh.name("node"), boot: "boot"))
            #expect(!isAlive)
        },
        .init("a node is alive while its heart beats, and not for ever after") { try await $0.beats() },
        .init("only the boot that beats is alive") { try await $0.boots() },
    ]

    private func beats() async throws {
        let node = try await start()
        try await eventually("the node is alive", on: clock) { try await directory.isAlive(node) }
        try await stop(node)
        try await eventually("the node is suspect", on: clock) { try await !directory.isAlive(node) }
    }

    private func boots() async throws {
        let before = try await start()
        #expect(try await directory.isAlive(NodeIdentity(node: before.node, boot: "another")) == false)
        let after = try await reboot(before)
        try await eventually("the new boot is alive", on: clock) { try await directory.isAlive(after) }
        #expect(try await directory.isAlive(before) == false)
        try await stop(after)
    }
}

/// What every `VolumeCatalog` promises.
public struct VolumeCatalogContract: Sendable {
    let catalog: any VolumeCatalog
    let store: any VolumeStore
    let clock: any DriverClock

    /// - Parameter store: over the same keys that the catalog watches.
    public init(catalog: any VolumeCatalog, store: any VolumeStore, clock: any DriverClock) {
        self.catalog = catalog
        self.store = store
        self.clock = clock
    }

    public static let promises: [ContractCase<Self>] = [
        .init("it is complete soon, and follows what is committed") { try await $0.follows() },
        .init("a name that nobody used is not there") { try await $0.absent() },
        .init("a node's own write is seen at once when it was observed") { try await $0.observes() },
        .init("observing something older changes nothing") { try await $0.observesOld() },
        .init("a mount whose volume is gone is no volume") { try await $0.orphans() },
        .init("E7: it counts the names that it has") { try await $0.counts() },
    ]

    private func counts() async throws {
        try await eventually("the catalog is loaded", on: clock) { catalog.isLoaded }
        let before = catalog.count
        var stored: [StoredVolume] = []
        for _ in 1...3 {
            let name = try Fresh.volume("counted")
            let change = StoreChange(volume: .put(ContractRecords.volume(name)))
            stored.append(try #require(await store.commit(change, over: .absent(name))))
            catalog.observe(stored[stored.count - 1])
        }
        #expect(catalog.count == before + 3)
        catalog.observe(try #require(await store.commit(StoreChange(volume: .delete), over: stored[0])))
        #expect(catalog.count == before + 2)
    }

    private func listed(_ name: VolumeName) -> [StoredVolume] { catalog.compactMap { $0.name == name ? $0 : nil } }

    private func absent() async throws {
        try await eventually("the catalog is loaded", on: clock) { catalog.isLoaded }
        #expect(catalog.find(try Fresh.volume("absent")) == nil)
    }

    private func observes() async throws {
        try await eventually("the catalog is loaded", on: clock) { catalog.isLoaded }
        let name = try Fresh.volume("observed")
        let change = StoreChange(volume: .put(ContractRecords.volume(name)))
        let stored = try #require(await store.commit(change, over: .absent(name)))
        catalog.observe(stored)
        #expect(catalog.find(name)?.records == stored.records)
        let gone = try #require(await store.commit(StoreChange(volume: .delete), over: stored))
        catalog.observe(gone)
        #expect(catalog.find(name)?.volume == nil)
    }

    private func orphans() async throws {
        let name = try Fresh.volume("orphan")
        let change = StoreChange(
            volume: .put(ContractRecords.volume(name)),
            attachment: .put(ContractRecords.attachment(epoch: Epoch(1))))
        let whole = try #require(await store.commit(change, over: .absent(name)))
        try await eventually("the volume arrives", on: clock) { catalog.find(name)?.records == whole.records }
        _ = try await store.commit(StoreChange(volume: .delete), over: whole)
        try await eventually("the volume goes", on: clock) { catalog.find(name) == nil }
        #expect(listed(name).isEmpty)
    }

    private func observesOld() async throws {
        let name = try Fresh.volume("older")
        let change = StoreChange(volume: .put(ContractRecords.volume(name)))
        let old = try #require(await store.commit(change, over: .absent(name)))
        let claim = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(1))))
        let new = try #require(await store.commit(claim, over: old))
        try await eventually("the change arrives", on: clock) { catalog.find(name)?.records == new.records }
        catalog.observe(old)
        #expect(catalog.find(name)?.records == new.records)
    }

    private func follows() async throws {
        try await eventually("the catalog is loaded", on: clock) { catalog.isLoaded }
        let name = try Fresh.volume("catalog")
        var stored = StoredVolume.absent(name)
        var ready = ContractRecords.volume(name)
        (ready.phase, ready.attempt) = (.ready, nil)
        let changes = [
            StoreChange(volume: .put(ContractRecords.volume(name))),
            StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(1)))),
            StoreChange(
                volume: .put(ContractRecords.volume(name, epoch: Epoch(2))),
                attachment: .put(ContractRecords.attachment(epoch: Epoch(2)))),
            StoreChange(attachment: .delete),
            StoreChange(volume: .put(ready)),
        ]
        for change in changes {
            stored = try #require(await store.commit(change, over: stored))
            try await eventually("the change arrives", on: clock) { catalog.find(name)?.records == stored.records }
            #expect(listed(name).map(\.records) == [stored.records])
            #expect(
                catalog.unsettled().filter { $0.name == name }.map(\.records)
                    == (stored.isSettled ? [] : [stored.records]))
        }
        #expect(stored.isSettled)
        _ = try await store.commit(StoreChange(volume: .delete), over: stored)
        try await eventually("the name goes", on: clock) { catalog.find(name) == nil }
        #expect(listed(name).isEmpty)
    }
}

/// What every `DriverClock` and `TokenSource` promises.
public struct ClockContract: Sendable {
    let clock: any DriverClock
    let tokens: any TokenSource

    public init(clock: any DriverClock, tokens: any TokenSource) {
        self.clock = clock
        self.tokens = tokens
    }

    public static let promises: [ContractCase<Self>] = [
        .init("a sleep lasts as long as asked at least") { contract in
            let start = contract.clock.now()
            try await contract.clock.sleep(for: .milliseconds(20))
            #expect(contract.clock.now() - start >= .milliseconds(20))
        },
        .init("a sleep whose task is cancelled throws") { contract in
            // A clock whose sleeps take no time would be through with a single one before it is cancelled.
            let task = Task { while true { try await contract.clock.sleep(for: .seconds(3600)) } }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
        },
        .init("the timestamp is RFC 3339 in UTC") { contract in
            let shape = contract.clock.timestamp().map { $0.isASCII && $0.isNumber ? "0" : $0 }
            #expect(String(shape) == "0000-00-00T00:00:00Z")
            let before = contract.clock.wallTime()
            #expect(WallTime(contract.clock.timestamp()).map { $0 >= before && $0 - before < .seconds(60) } == true)
        },
        .init("tokens differ, and can be part of any name") { contract in
            let tokens = (1...1000).map { _ in contract.tokens.token() }
            #expect(Set(tokens).count == 1000)
            for token in tokens {
                #expect(token.utf8.count >= 16)
                #expect((try? VolumeName("x" + token)) != nil, "\(token)")
            }
        },
    ]
}
