import Testing
import VolumeCore

@testable import EtcdState

@Suite struct RecordCodecTests {
    private func record() throws -> VolumeRecord {
        VolumeRecord(
            name: try VolumeName("db"), uid: "u", phase: .ready,
            spec: VolumeSpec(pool: "rbd", size: .mebibytes(64)), options: [:], createdAt: "2026-01-02T03:04:05Z")
    }

    private func refusal(_ value: [UInt8]) -> VolumeError? {
        do {
            _ = try RecordCodec.decode(VolumeRecord.self, from: value, key: "volumes/db")
            return nil
        } catch {
            return error
        }
    }

    @Test func whatWasWrittenIsReadBack() throws {
        let value = try RecordCodec.encode(record(), write: "w1")
        #expect(try RecordCodec.decode(VolumeRecord.self, from: value, key: "volumes/db") == record())
        #expect(RecordCodec.writeToken(of: value) == "w1")
    }

    @Test func aRecordForNewerVersionsOnlyIsRefusedHoweverFamiliarItLooks() throws {
        let whole = String(decoding: try RecordCodec.encode(record(), write: "w1"), as: UTF8.self)
        let newer = RecordStamp.newest + 1
        for text in [
            whole.replacing(#""schema":1"#, with: #""schema":\#(newer)"#),
            whole.replacing(#""schema":1"#, with: #""reader":\#(newer),"schema":1"#),
            #"{"schema":99,"unheard":true}"#, #"{"schema":99,"reader":98}"#,
        ] {
            let error = refusal(Array(text.utf8))
            #expect(error?.why.contains("newer version") == true, "\(text)")
            #expect(error?.remedy == "upgrade the plugin on this node")
            #expect(error?.outcome == .refused)
        }
    }

    @Test func aNewerVersionSaysWhichOlderOnesMayAct() throws {
        let whole = String(decoding: try RecordCodec.encode(record(), write: "w1"), as: UTF8.self)
        let newer = whole.replacing(#""schema":1"#, with: #""reader":1,"schema":7"#)
        let read = try RecordCodec.decode(VolumeRecord.self, from: Array(newer.utf8), key: "volumes/db")
        #expect(read.stamp == RecordStamp(schema: 7, reader: 1))
        // What this version changes stays a record of that form: it still has that form's fields.
        #expect(try RecordCodec.encode(read, write: "w1") == Array(newer.utf8))
    }

    @Test(arguments: [
        (#""phase":"ready""#, #""phase":"migrating""#, "migrating"),
        (#""filesystem":"ext4""#, #""filesystem":"zfs""#, "zfs"),
    ])
    func aKindThatOnlyNewerVersionsKnowIsLeftToThem(_ known: String, _ unknown: String, _ word: String) throws {
        let whole = String(decoding: try RecordCodec.encode(record(), write: "w1"), as: UTF8.self)
        #expect(whole.contains(known))
        let error = refusal(Array(whole.replacing(known, with: unknown).utf8))
        #expect(error?.code == .unexplained)
        #expect(error?.why.contains(word) == true)
        #expect(error?.remedy == "upgrade the plugin on this node")
    }

    @Test func aStateThatOnlyNewerVersionsKnowIsLeftToThem() throws {
        let mount = Attachment(
            volumeUID: "u", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attached, since: "")
        let whole = String(decoding: try RecordCodec.encode(mount, write: "w1"), as: UTF8.self)
        let strange = whole.replacing(#""state":"attached""#, with: #""state":"frozen""#)
        #expect {
            try RecordCodec.decode(Attachment.self, from: Array(strange.utf8), key: "mounts/db")
        } throws: {
            ($0 as? VolumeError)?.remedy == "upgrade the plugin on this node"
        }
    }

    @Test func whatMayHideInUnknownFieldsIsBounded() throws {
        let whole = String(decoding: try RecordCodec.encode(record(), write: "w1"), as: UTF8.self)
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let error = refusal(Array(whole.replacing(#""schema":1"#, with: #""schema":1,"new":\#(deep)"#).utf8))
        #expect(error?.why.contains("nested more than 32 levels") == true)
    }

    @Test(arguments: [#"{"schema":1}"#, "{}", "[]", "", "not json"])
    func whatIsNoRecordIsRefusedWithItsKey(_ text: String) {
        let error = refusal(Array(text.utf8))
        #expect(error?.code == .unexplained)
        #expect(error?.description.contains("volumes/db") == true)
        #expect(error?.why.contains("not a valid record") == true)
    }
}
