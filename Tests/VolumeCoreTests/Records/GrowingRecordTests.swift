import Testing
import VolumeCore

/// Nodes of several versions share the records while a cluster is upgraded: none of them may take from a record what another
/// one has put there.
@Suite("Records of other versions") struct GrowingRecordTests {
    private static let strange = #""later" : {"a" : [1, -2.5, 18446744073709551615, "x", true, null], "b" : {}}, "#

    /// The text with a field that this version does not know in each of its objects.
    private static func grown(_ text: String) -> String {
        text.replacing(#""uid" : "u1""#, with: strange + #""uid" : "u1""#)
            .replacing(#""dataPool" : "slow""#, with: strange + #""dataPool" : "slow""#)
            .replacing(#""device" : "/dev/rbd0""#, with: strange + #""device" : "/dev/rbd0""#)
            .replacing(#""mayBeIncomplete" : true"#, with: strange + #""mayBeIncomplete" : true"#)
    }

    private static func normal(_ text: String) throws -> String { try Golden.text(Golden.decode(AnyJSON.self, text)) }

    @Test("What a newer version has recorded of a volume survives each change that this version makes")
    func volumes() throws {
        let text = Self.grown(RecordTests.volumeText)
        var volume = try Golden.decode(VolumeRecord.self, text)
        #expect(try Golden.text(volume) == Self.normal(text))
        volume.isProtected = true
        volume.epoch = volume.epoch.next
        volume = volume.retried(by: RecordTests.node, token: "t2")
        let changed = try Golden.text(volume)
        #expect(changed.matches(of: /"later"/).count == 2)
        #expect(changed.contains("18446744073709551615") && changed.contains(#""token":"t2""#))

        let claim = VolumeClaim(volume, by: RecordTests.node, mountID: "m", since: "now")
        #expect(try Golden.text(claim.volume).matches(of: /"later"/).count == 2)
        #expect(claim.attachment.unknown == UnknownFields(), "what was said of another mount says nothing of this one")
    }

    @Test("What a newer version has recorded of a mount stays as long as its owner has the volume")
    func mounts() throws {
        let text = Self.grown(RecordTests.attachmentText)
        let mount = try Golden.decode(Attachment.self, text)
        #expect(try Golden.text(mount) == Self.normal(text))
        let changed = try Golden.text(mount.counting("m2").applying(.detach))
        #expect(changed.matches(of: /"later"/).count == 2)
    }

    @Test("A record without the fields that came later gets what they mean by default")
    func defaults() throws {
        let volume = try Golden.decode(
            VolumeRecord.self,
            #"{"schema":1,"name":"db","uid":"u1","phase":"ready","epoch":3,"#
                + #""spec":{"pool":"rbd","size":1048576,"order":22,"features":[],"filesystem":"xfs"}}"#)
        #expect(!volume.isProtected && !volume.adopted && volume.abandoned.isEmpty && volume.options.isEmpty)
        #expect(volume.spec == VolumeSpec(pool: "rbd", size: .mebibytes(1), features: [], filesystem: .xfs))
        let mount = try Golden.decode(
            Attachment.self,
            #"{"schema":1,"volumeUID":"u1","owner":{"node":"a","boot":"b"},"epoch":3,"state":"attached","clients":[]}"#)
        #expect(mount.mountIDs.isEmpty && mount.writersAreNoted == nil && mount.fenced == nil)
    }

    /// To compare texts whatever their layout.
    private enum AnyJSON: Codable {
        case object([String: AnyJSON]), array([AnyJSON]), text(String), bool(Bool), unsigned(UInt64), integer(Int64)
        case number(Double), null

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                self = .null
            } else if let bool = try? value.decode(Bool.self) {
                self = .bool(bool)
            } else if let unsigned = try? value.decode(UInt64.self) {
                self = .unsigned(unsigned)
            } else if let integer = try? value.decode(Int64.self) {
                self = .integer(integer)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else if let text = try? value.decode(String.self) {
                self = .text(text)
            } else if let array = try? value.decode([AnyJSON].self) {
                self = .array(array)
            } else {
                self = .object(try value.decode([String: AnyJSON].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .object(let fields): try value.encode(fields)
            case .array(let values): try value.encode(values)
            case .text(let text): try value.encode(text)
            case .bool(let bool): try value.encode(bool)
            case .unsigned(let unsigned): try value.encode(unsigned)
            case .integer(let integer): try value.encode(integer)
            case .number(let number): try value.encode(number)
            case .null: try value.encodeNil()
            }
        }
    }
}
