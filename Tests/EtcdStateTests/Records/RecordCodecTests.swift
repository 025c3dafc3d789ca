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

    @Test func aRecordOfANewerSchemaIsRefusedHoweverFamiliarItLooks() throws {
        var newer = try record()
        newer.schema = VolumeRecord.currentSchema + 1
        let whole = try RecordCodec.encode(newer, write: "w1")
        for value in [whole, Array(#"{"schema":99,"unheard":true}"#.utf8)] {
            let error = refusal(value)
            #expect(error?.why.contains("newer version") == true)
            #expect(error?.outcome == .refused)
        }
    }

    @Test(arguments: [#"{"schema":1}"#, "{}", "[]", "", "not json"])
    func whatIsNoRecordIsRefusedWithItsKey(_ text: String) {
        let error = refusal(Array(text.utf8))
        #expect(error?.code == .unexplained)
        #expect(error?.description.contains("volumes/db") == true)
        #expect(error?.why.contains("no valid record") == true)
    }
}
