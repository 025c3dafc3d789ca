import Testing
import VolumeCore

@Suite("How volumes grow") struct GrowthRuleTests {
    private let now = WallTime(seconds: 0)

    /// An ext4 of 1 GiB, with what is wanted of it.
    private func stored(
        wanting size: VolumeSize? = nil, uid: String? = nil, phase: VolumeRecord.Phase = .ready,
        state: Attachment.State? = nil
    ) throws -> StoredVolume {
        var volume = try Fixture.volume(phase)
        volume.spec.size = .gibibytes(1)
        var stored = try Fixture.stored(volume, state.map { Fixture.attachment($0) })
        stored.desired = size.map {
            Revisioned(DesiredState(volumeUID: uid ?? "u1", size: $0, since: now.description), revision: 3)
        }
        return stored
    }

    @Test("A larger size that is wanted of a ready volume is given to it, and nothing else is")
    func wanted() throws {
        #expect(GrowthRule.wanted(try stored(wanting: .gibibytes(2))) == .gibibytes(2))
        #expect(GrowthRule.wanted(try stored()) == nil)
        for size in [VolumeSize.mebibytes(512), .gibibytes(1)] {
            #expect(GrowthRule.wanted(try stored(wanting: size)) == nil)
        }
        #expect(GrowthRule.wanted(try stored(wanting: .gibibytes(2), uid: "another incarnation")) == nil)
        for phase in [VolumeRecord.Phase.creating, .removing] {
            #expect(GrowthRule.wanted(try stored(wanting: .gibibytes(2), phase: phase)) == nil)
        }
    }

    @Test("Whoever writes to etcd gets no size that the command would refuse")
    func forged() throws {
        let largest = FilesystemType.ext4.facts.maximumSize
        #expect(GrowthRule.wanted(try stored(wanting: largest)) == largest)
        for size in [VolumeSize(bytes: largest.bytes + 1 << 20), .maximum] {
            #expect(throws: VolumeError.self) { try GrowthRule.request(size, for: try stored(), at: now) }
            #expect(GrowthRule.wanted(try stored(wanting: size)) == nil, "\(size)")
        }
    }

    @Test("Nobody writes while an operation is under way, and a wish is written once")
    func requests() throws {
        let wish = try #require(try GrowthRule.request(.gibibytes(2), for: try stored(state: .attached), at: now))
        #expect(wish == DesiredState(volumeUID: "u1", size: .gibibytes(2), since: "1970-01-01T00:00:00Z"))
        #expect(try GrowthRule.request(.gibibytes(2), for: try stored(wanting: .gibibytes(2)), at: now) == nil)
        #expect(try GrowthRule.request(.gibibytes(1), for: try stored(), at: now) == nil)
        for state in Attachment.State.allCases where state != .attached {
            #expect {
                try GrowthRule.request(.gibibytes(2), for: try stored(state: state), at: now)
            } throws: {
                ($0 as? VolumeError)?.code == .conflict
            }
        }
        #expect {
            try GrowthRule.request(.mebibytes(512), for: try stored(), at: now)
        } throws: {
            ($0 as? VolumeError)?.why.contains("never shrink") == true
        }
    }

    @Test("An image that was made larger by hand is to be filled, unless more is wanted or it is too large")
    func following() throws {
        let wish = try #require(GrowthRule.following(.gibibytes(2), try stored(), at: now))
        #expect(wish.size == .gibibytes(2) && wish.volumeUID == "u1")
        #expect(GrowthRule.following(.gibibytes(1), try stored(), at: now) == nil)
        #expect(GrowthRule.following(.gibibytes(2), try stored(wanting: .gibibytes(3)), at: now) == nil)
        #expect(GrowthRule.following(.gibibytes(4), try stored(wanting: .gibibytes(3)), at: now)?.size == .gibibytes(4))
        #expect(GrowthRule.following(.maximum, try stored(), at: now) == nil)
        #expect(GrowthRule.following(.gibibytes(2), try stored(phase: .removing), at: now) == nil)
    }

    @Test("The record says the new size and keeps the first one; a larger wish that came meanwhile stays")
    func done() throws {
        let change = try #require(GrowthRule.done(.gibibytes(2), try stored(wanting: .gibibytes(2)), at: now))
        guard case .put(let grown) = change.volume else { throw CancellationError() }
        #expect(grown.spec.size == .gibibytes(2) && grown.createdSize == .gibibytes(1))
        #expect(grown.grownAt == now)
        #expect(change.desired == .delete && change.attachment == .keep)
        #expect(GrowthRule.done(.gibibytes(2), try stored(wanting: .gibibytes(4)), at: now)?.desired == .keep)
        #expect(GrowthRule.done(.gibibytes(1), try stored(), at: now) == nil)
    }
}
