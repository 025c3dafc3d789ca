import Testing
import VolumeCore

@testable import EtcdState

@Suite struct SortedVolumesTests {
    private func volume(
        _ name: String, phase: VolumeRecord.Phase = .ready, abandoned: [String] = [], owned: Bool = false,
        revision: Int64 = 1
    ) throws -> StoredVolume {
        let name = try VolumeName(name)
        let time = "2026-01-02T03:04:05Z"
        var record = VolumeRecord(
            name: name, uid: "u", phase: phase, spec: VolumeSpec(pool: "rbd"), options: [:], createdAt: time)
        record.abandoned = abandoned
        var stored = StoredVolume(name: name, volume: Revisioned(record, revision: revision), revision: revision)
        if owned {
            let attachment = Attachment(
                volumeUID: "u", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attached,
                since: time)
            stored.attachment = Revisioned(attachment, revision: revision)
        }
        return stored
    }

    private func names(_ volumes: SortedVolumes) -> [String] { volumes.compactMap(\.name.text) }

    @Test func theyStandInOrderHoweverTheyCame() throws {
        var volumes = SortedVolumes(try ["m", "c", "x"].map { try volume($0) })
        for name in ["a", "z", "n", "b"] { volumes[try VolumeName(name)] = try volume(name) }
        #expect(names(volumes) == ["a", "b", "c", "m", "n", "x", "z"])
        for name in ["a", "m", "z", "unheard-of"] { volumes[try VolumeName(name)] = nil }
        #expect(names(volumes) == ["b", "c", "n", "x"])
        for name in ["b", "c", "n", "x"] { #expect(volumes[try VolumeName(name)]?.name.text == name) }
        for name in ["a", "m", "z", "bb"] { #expect(volumes[try VolumeName(name)] == nil) }
    }

    @Test func theLatestTakesThePlaceOfTheOneBefore() throws {
        var volumes = SortedVolumes(try ["a", "b"].map { try volume($0) })
        volumes[try VolumeName("a")] = try volume("a", revision: 7)
        #expect(volumes.compactMap(\.revision) == [7, 1])
    }

    @Test func whatIsNotAtRestIsFoundWithoutLookingAtAll() throws {
        let restless = [
            try volume("attached", owned: true), try volume("creating", phase: .creating),
            try volume("leftover", abandoned: ["t"]),
        ]
        let settled = [try volume("idle"), try volume("removing", phase: .removing)]
        let loaded = SortedVolumes(restless + settled)
        var grown = SortedVolumes()
        for stored in settled + restless { grown[stored.name] = stored }
        for var volumes in [loaded, grown] {
            #expect(volumes.unsettled.map(\.name.text) == ["attached", "creating", "leftover"])
            volumes[try VolumeName("attached")] = try volume("attached")
            volumes[try VolumeName("creating")] = nil
            volumes[try VolumeName("idle")] = try volume("idle", owned: true)
            #expect(volumes.unsettled.map(\.name.text) == ["idle", "leftover"])
        }
    }

    @Test func aCopyStaysAsItWas() throws {
        var volumes = SortedVolumes([try volume("a")])
        let copy = volumes
        volumes[try VolumeName("a")] = nil
        volumes[try VolumeName("b")] = try volume("b")
        #expect(names(copy) == ["a"])
        #expect(names(volumes) == ["b"])
    }
}
