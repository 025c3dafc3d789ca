import Testing
import VolumeCore

/// What every `VolumeStore` promises.
public struct VolumeStoreContract: Sendable {
    let store: any VolumeStore
    let other: any VolumeStore

    /// - Parameters:
    ///   - store: one node's.
    ///   - other: another node's, over the same keys. Who gives them clears the keys away afterwards.
    public init(store: any VolumeStore, other: any VolumeStore) {
        self.store = store
        self.other = other
    }

    public static let promises: [ContractCase<Self>] = [
        .init("a name that nobody used has no records") { try await $0.absent() },
        .init("the first commit stores both records, and returns what a read returns") { try await $0.creates() },
        .init("every field of both records comes back as it was") { try await $0.roundTrip() },
        .init("another node reads at once what was committed") { try await $0.linearizable() },
        .init("a commit over an absence that is over writes nothing") { try await $0.absenceGuard() },
        .init("a commit over a stale volume writes nothing") { try await $0.staleVolume() },
        .init("a commit over a stale attachment writes nothing, not even the volume") {
            try await $0.staleAttachment()
        },
        .init("a commit over an attachment that has come or gone since writes nothing") {
            try await $0.appearedAttachment()
        },
        .init("what is kept keeps its revision") { try await $0.keeps() },
        .init("keeping both only tells whether the guards hold") { try await $0.keepsBoth() },
        .init("records are deleted, each by itself and both at once") { try await $0.deletes() },
        .init("a name that was deleted and made again is not what was read before") { try await $0.newIncarnation() },
        .init("of racing commits one wins") { try await $0.race() },
        .init("of racing deletions one wins") { try await $0.deletionRace() },
        .init("the revision of what was read grows, and no record is younger") { try await $0.revisions() },
        .init("the epochs of both records survive, however large") { try await $0.epochs() },
        .init("names that begin alike do not mix") { try await $0.similarNames() },
        .init("everything is read, also many names and an attachment without a volume") { try await $0.readsAll() },
        .init("who reads a volume is a record of its own, guarded as the others are") { try await $0.readers() },
        .init("the attachments of all nodes are read without their volumes") {
            try await $0.readsAttachments()
        },
    ]

    private func absent() async throws {
        let name = try Fresh.volume("absent")
        #expect(try await store.read(name).records == .absent(name))
    }

    private func make(_ hint: String, attached: Bool = true) async throws -> StoredVolume {
        let name = try Fresh.volume(hint)
        let change = StoreChange(
            volume: .put(ContractRecords.volume(name)),
            attachment: attached ? .put(ContractRecords.attachment(epoch: Epoch(1))) : .keep)
        return try #require(await store.commit(change, over: .absent(name)))
    }

    private func creates() async throws {
        let made = try await make("create")
        #expect(made.volume?.record.name == made.name)
        #expect(made.attachment?.record.epoch == Epoch(1))
        #expect(try await store.read(made.name).records == made.records)
    }

    private func roundTrip() async throws {
        let made = try await make("fields")
        let read = try await other.read(made.name)
        #expect(read.volume?.record == ContractRecords.volume(made.name))
        #expect(read.attachment?.record == ContractRecords.attachment(epoch: Epoch(1)))
    }

    private func linearizable() async throws {
        var stored = try await make("seen")
        for number in UInt64(2)...20 {
            let change = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(number))))
            stored = try #require(await (number.isMultiple(of: 2) ? store : other).commit(change, over: stored))
            #expect(try await (number.isMultiple(of: 2) ? other : store).read(stored.name).records == stored.records)
        }
    }

    private func absenceGuard() async throws {
        let made = try await make("guard")
        let change = StoreChange(
            volume: .put(ContractRecords.volume(made.name, epoch: Epoch(9))),
            attachment: .put(ContractRecords.attachment(epoch: Epoch(9))))
        #expect(try await other.commit(change, over: .absent(made.name)) == nil)
        #expect(try await store.read(made.name).records == made.records)
    }

    private func staleVolume() async throws {
        let first = try await make("stale-volume")
        let change = StoreChange(volume: .put(ContractRecords.volume(first.name, epoch: Epoch(2))))
        let second = try #require(await store.commit(change, over: first))
        let late = StoreChange(
            volume: .put(ContractRecords.volume(first.name, epoch: Epoch(3))), attachment: .delete)
        #expect(try await other.commit(late, over: first) == nil)
        #expect(try await other.commit(StoreChange(attachment: .delete), over: first) == nil)
        #expect(try await store.read(first.name).records == second.records)
    }

    private func staleAttachment() async throws {
        let first = try await make("stale-attachment")
        let change = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(2))))
        let second = try #require(await store.commit(change, over: first))
        let late = StoreChange(volume: .put(ContractRecords.volume(first.name, epoch: Epoch(3))))
        #expect(try await other.commit(late, over: first) == nil)
        #expect(try await other.commit(StoreChange(volume: .delete), over: first) == nil)
        #expect(try await store.read(first.name).records == second.records)
    }

    private func appearedAttachment() async throws {
        let free = try await make("appeared", attached: false)
        let claim = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(1))))
        let claimed = try #require(await store.commit(claim, over: free))
        #expect(try await other.commit(claim, over: free) == nil)
        #expect(try await other.commit(StoreChange(volume: .delete), over: free) == nil)
        #expect(try await store.read(free.name).records == claimed.records)

        let released = try #require(await store.commit(StoreChange(attachment: .delete), over: claimed))
        #expect(try await other.commit(claim, over: claimed) == nil)
        #expect(try await store.read(free.name).records == released.records)
    }

    private func keeps() async throws {
        let first = try await make("keep")
        let change = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(2))))
        let second = try #require(await store.commit(change, over: first))
        #expect(second.volume == first.volume)
        let revision = try #require(second.attachment?.revision)
        #expect(revision > (first.attachment?.revision ?? .max))
    }

    private func keepsBoth() async throws {
        let first = try await make("keep-both")
        #expect(try await store.commit(StoreChange(), over: first)?.records == first.records)
        let change = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(2))))
        let second = try #require(await store.commit(change, over: first))
        #expect(try await store.commit(StoreChange(), over: first) == nil)
        #expect(try await store.read(first.name).records == second.records)
    }

    private func deletes() async throws {
        let one = try await make("delete-one")
        let free = try #require(await store.commit(StoreChange(attachment: .delete), over: one))
        #expect(free.attachment == nil)
        #expect(free.volume == one.volume)
        #expect(try await other.read(one.name).records == free.records)

        let both = try await make("delete-both")
        let none = try #require(await store.commit(StoreChange(volume: .delete, attachment: .delete), over: both))
        #expect(none.records == .absent(both.name))
        #expect(try await other.read(both.name).records == none.records)
        #expect(try await store.readAll().contains { $0.name == both.name } == false)
        let again = try await store.commit(StoreChange(volume: .delete, attachment: .delete), over: none)
        #expect(again?.records == none.records)
    }

    private func newIncarnation() async throws {
        let old = try await make("again")
        let none = try #require(await store.commit(StoreChange(volume: .delete, attachment: .delete), over: old))
        let change = StoreChange(
            volume: .put(ContractRecords.volume(old.name)),
            attachment: .put(ContractRecords.attachment(epoch: Epoch(1))))
        let new = try #require(await store.commit(change, over: none))
        #expect(new.records != old.records)
        #expect(try await other.commit(StoreChange(attachment: .delete), over: old) == nil)
        #expect(try await store.read(old.name).records == new.records)
    }

    private func race() async throws {
        let free = try await make("race", attached: false)
        let winners = try await withThrowingTaskGroup(of: StoredVolume?.self) { group in
            for number in UInt64(1)...8 {
                group.addTask { [store, other] in
                    let change = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(number))))
                    return try await (number.isMultiple(of: 2) ? store : other).commit(change, over: free)
                }
            }
            return try await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
        #expect(winners.count == 1)
        let stored = try await store.read(free.name)
        #expect(winners.first?.records == stored.records)
    }

    private func deletionRace() async throws {
        let held = try await make("race-delete")
        #expect(try await store.commit(StoreChange(attachment: .delete), over: held) != nil)
        #expect(try await other.commit(StoreChange(attachment: .delete), over: held) == nil)
    }

    private func revisions() async throws {
        let first = try await make("revision")
        let change = StoreChange(attachment: .put(ContractRecords.attachment(epoch: Epoch(2))))
        let second = try #require(await store.commit(change, over: first))
        let third = try #require(await store.commit(StoreChange(volume: .delete, attachment: .delete), over: second))
        let read = try await other.read(first.name)
        let listed = try await other.readAll().first { $0.name == first.name }
        #expect(first.revision < second.revision)
        #expect(second.revision < third.revision)
        #expect(third.revision <= read.revision)
        #expect(listed == nil)
        for stored in [first, second] {
            #expect(stored.volume.map(\.revision) ?? .max <= stored.revision)
            #expect(stored.attachment.map(\.revision) ?? .max <= stored.revision)
        }
    }

    private func epochs() async throws {
        let name = try Fresh.volume("epoch")
        let large = Epoch((1 << 53) + 1)
        let change = StoreChange(
            volume: .put(ContractRecords.volume(name, epoch: large)),
            attachment: .put(ContractRecords.attachment(epoch: large.next)))
        _ = try await store.commit(change, over: .absent(name))
        let read = try await other.read(name)
        #expect(read.volume?.record.epoch == large)
        #expect(read.attachment?.record.epoch == large.next)
        #expect(read.attachment?.record.fenced?.epoch == Epoch(7))
    }

    private func similarNames() async throws {
        let base = try await make("db")
        let longer = try VolumeName(base.name.text + "2")
        let dotted = try VolumeName(base.name.text + ".1")
        #expect(try await store.read(longer).records == .absent(longer))
        let change = StoreChange(volume: .put(ContractRecords.volume(longer)))
        let made = try #require(await store.commit(change, over: .absent(longer)))
        #expect(try await store.commit(StoreChange(volume: .delete, attachment: .delete), over: base) != nil)
        #expect(try await store.read(longer).records == made.records)
        #expect(try await store.read(dotted).records == .absent(dotted))
    }

    private func readsAll() async throws {
        var made: [VolumeName: StoredVolume] = [:]
        for number in 1...150 {
            let stored = try await make("all-\(number)", attached: number.isMultiple(of: 2))
            made[stored.name] = stored
        }
        let orphan = try await make("all-orphan")
        made[orphan.name] = try await store.commit(StoreChange(volume: .delete), over: orphan)
        let all = try await other.readAll().filter { made.keys.contains($0.name) }
        #expect(all.count == made.count)
        for stored in all { #expect(made[stored.name]?.records == stored.records) }
    }

    private func readers() async throws {
        let made = try await make("readers", attached: false)
        let both = ContractRecords.readers(on: ["node-a", "node-b"])
        let read = try #require(await store.commit(StoreChange(readers: .put(both)), over: made))
        #expect(try await other.read(made.name).records == read.records && read.readers?.record == both)
        #expect(read.volume == made.volume && !read.isSettled)
        #expect(try await other.readAttachments()[made.name] == both.all)
        let one = StoreChange(readers: .put(ContractRecords.readers(on: ["node-b"])))
        let written = try #require(await other.commit(one, over: read))
        // Neither a mount nor a removal gets past what has changed since.
        for change in [one, .deletion] { #expect(try await store.commit(change, over: read) == nil) }
        let gone = try #require(await store.commit(StoreChange(readers: .delete), over: written))
        #expect(try await other.read(made.name).readers == nil && gone.readers == nil)
        #expect(try await other.readAttachments()[made.name] == nil)
    }

    private func readsAttachments() async throws {
        var made: [VolumeName: VolumeCore.Attachment] = [:]
        for (number, owner) in ["node-a", "node-a", "node-b"].enumerated() {
            var attachment = ContractRecords.attachment(epoch: Epoch(1))
            attachment.owner = NodeIdentity(node: owner, boot: "boot-\(number)")
            let stored = try await make("has-\(number)", attached: false)
            let attached = try await store.commit(StoreChange(attachment: .put(attachment)), over: stored)
            // One whose volume is gone is told of as well.
            if number == 2, let attached { _ = try await store.commit(StoreChange(volume: .delete), over: attached) }
            made[stored.name] = attachment
        }
        let idle = try await make("has-none", attached: false)
        let read = try await other.readAttachments()
        #expect(read.filter { made.keys.contains($0.key) } == made.mapValues { [$0] })
        #expect(read[idle.name] == nil)
    }
}
