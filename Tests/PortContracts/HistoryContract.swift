import Testing
import VolumeCore

/// What every `VolumeStore` and `VolumeHistory` over the same keys promise together.
public struct HistoryContract: Sendable {
    let store: any VolumeStore
    let other: any VolumeStore
    let history: any VolumeHistory
    /// The nodes that the two stores write for.
    let nodes: (one: String, other: String)

    public init(
        store: any VolumeStore, other: any VolumeStore, history: any VolumeHistory, nodes: (one: String, other: String)
    ) {
        self.store = store
        self.other = other
        self.history = history
        self.nodes = nodes
    }

    public static let promises: [ContractCase<Self>] = [
        .init("each change that means something to people leaves one entry, in the order of the changes") {
            try await $0.life()
        },
        .init("an entry says who did what, to which incarnation, and why") { try await $0.fields() },
        .init("a change that is a means to an end leaves none") { try await $0.means() },
        .init("a change whose guards do not hold leaves none") { try await $0.refused() },
        .init("of racing changes only the one that wins leaves an entry") { try await $0.race() },
        .init("histories of names that begin alike do not mix") { try await $0.similarNames() },
    ]

    private func ready(_ name: VolumeName) -> VolumeRecord {
        var volume = ContractRecords.volume(name)
        (volume.phase, volume.attempt, volume.origin) = (.ready, nil, .blank)
        return volume
    }

    private func claim(_ epoch: UInt64, _ state: VolumeCore.Attachment.State) -> VolumeCore.Attachment {
        var attachment = ContractRecords.attachment(epoch: Epoch(epoch))
        attachment.state = state
        if state != .fencing { attachment.fenced = nil }
        return attachment
    }

    private func life() async throws {
        let name = try Fresh.volume("life")
        var removing = ready(name)
        removing.phase = .removing
        var stored = StoredVolume.absent(name)
        for (index, change) in [
            StoreChange(volume: .put(ContractRecords.volume(name))), StoreChange(volume: .put(ready(name))),
            StoreChange(attachment: .put(claim(1, .attaching))), StoreChange(attachment: .put(claim(1, .attached))),
            StoreChange(attachment: .put(claim(2, .fencing))), StoreChange(attachment: .put(claim(2, .attaching))),
            StoreChange(attachment: .put(claim(2, .attached))), StoreChange(attachment: .put(claim(2, .detaching))),
            StoreChange(attachment: .delete), StoreChange(volume: .put(removing)), .deletion,
        ].enumerated() {
            stored = try #require(await (index % 2 == 0 ? store : other).commit(change, over: stored))
        }
        let entries = try await history.entries(of: name)
        #expect(
            entries.map(\.event) == [
                "created", "mounted", "taking-over", "taken-over", "mounted", "unmounted", "removing", "removed",
            ])
        #expect(entries.map(\.volume) == Array(repeating: name, count: entries.count))
        #expect(try await history.entries(of: nil).filter { $0.volume == name } == entries)
    }

    private func fields() async throws {
        let name = try Fresh.volume("fields")
        let made = try #require(
            await store.commit(
                StoreChange(volume: .put(ready(name)), attachment: .put(claim(6, .attached))), over: .absent(name)))
        let change = StoreChange(attachment: .put(claim(7, .fencing))).because("it has had no heartbeat for 41 s")
        _ = try #require(await other.commit(change, over: made))
        let entries = try await history.entries(of: name)
        try #require(entries.count == 2)
        #expect(entries.map(\.node) == [nodes.one, nodes.other])
        #expect(entries.map(\.uid) == ["uid-1", "uid-1"])
        #expect(entries[0].to == "\(ready(name).spec.size)" && entries[0].why == nil)
        #expect(entries[1].from == ContractRecords.node.node && entries[1].to == ContractRecords.node.node)
        #expect(entries[1].epoch == Epoch(7))
        #expect(entries[1].why == "it has had no heartbeat for 41 s")
        #expect(entries[1].at >= entries[0].at)
    }

    private func means() async throws {
        let name = try Fresh.volume("means")
        var stored = StoredVolume.absent(name)
        var counted = claim(1, .attaching)
        counted.mountIDs = ["more": 3]
        for change in [
            StoreChange(volume: .put(ContractRecords.volume(name))),
            StoreChange(attachment: .put(claim(1, .attaching))),
            StoreChange(attachment: .put(counted)), StoreChange(),
        ] {
            stored = try #require(await store.commit(change, over: stored))
        }
        #expect(try await history.entries(of: name).isEmpty)
    }

    private func refused() async throws {
        let name = try Fresh.volume("refused")
        let stored = try #require(await store.commit(StoreChange(volume: .put(ready(name))), over: .absent(name)))
        #expect(try await other.commit(.deletion, over: .absent(name)) == nil)
        var removing = ready(name)
        removing.phase = .removing
        _ = try #require(await other.commit(StoreChange(volume: .put(removing)), over: stored))
        #expect(try await store.commit(.deletion, over: stored) == nil)
        #expect(try await history.entries(of: name).map(\.event) == ["created", "removing"])
    }

    private func race() async throws {
        let name = try Fresh.volume("race")
        let change = StoreChange(volume: .put(ready(name)))
        async let first = store.commit(change, over: .absent(name))
        async let second = other.commit(change, over: .absent(name))
        let winners = try await [first, second].count { $0 != nil }
        #expect(winners == 1)
        #expect(try await history.entries(of: name).count == 1)
    }

    private func similarNames() async throws {
        let name = try Fresh.volume("alike")
        for text in [name.text, name.text + "x", name.text + ".x", "x" + name.text] {
            let volume = try VolumeName(text)
            _ = try #require(await store.commit(StoreChange(volume: .put(ready(volume))), over: .absent(volume)))
        }
        #expect(try await history.entries(of: name).map(\.volume) == [name])
    }
}
