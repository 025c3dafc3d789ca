import FoundationEssentials
import UntrustedJSON
import VolumeCore

extension NodeRecord: CheckedRecord {
    public var stamp: RecordStamp { RecordStamp(schema: schema, reader: reader) }

    public var keyName: String? { node }

    public func check() throws(VolumeError) {
        try RecordForm.node(NodeIdentity(node: node, boot: boot), "node")
    }
}

extension ClusterRecord: CheckedRecord {
    public var stamp: RecordStamp { RecordStamp(schema: schema, reader: reader) }

    public var keyName: String? { nil }

    public func check() throws(VolumeError) { try RecordForm.id(fsid, "fsid") }
}

/// How records stand in etcd: JSON with sorted keys, readable with etcdctl, and with one more field, `write`, a token
/// of the write that put it there. A node whose answer got lost finds out by it whether its own write happened.
///
/// etcd has its own users, who may be fewer or others than those who may do as they like on the nodes. So nothing of a record
/// is believed before it has passed the checks of `CheckedRecord`; and nothing is written that would not pass them.
enum RecordCodec {
    static func encode(_ record: some CheckedRecord, write: String) throws(VolumeError) -> [UInt8] {
        try record.check()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(Stamped(record: record, write: write)))
        } catch {
            throw VolumeError.defect("encode a record", "\(error)")
        }
    }

    /// What a record may hold beside what this version knows lies no deeper.
    private static let deepest = 32

    /// - Throws: `VolumeError` with code `unexplained`, naming the key, for what is no record, for one that only newer versions
    ///   may act on, and for one that says what the plugin would not have written.
    static func decode<Record: CheckedRecord>(
        _ type: Record.Type, from value: [UInt8], key: String
    ) throws(VolumeError) -> Record {
        let record = Result { try UntrustedJSON.decode(Record.self, from: value, deepest: deepest) }
        // What a newer version wrote may look like a record and mean something else, or look like none.
        let stamp = (try? record.get().stamp) ?? (try? UntrustedJSON.decode(RecordStamp.self, from: value))
        if let stamp, !stamp.isForThisVersion {
            let form = stamp.reader ?? stamp.schema
            throw newer(key, "it has schema \(form): it was written by a newer version of this plugin")
        }
        let read: Record
        do {
            read = try record.get()
        } catch let error as UnknownKind {
            throw newer(
                key, "its field '\(error.field)' is \(ShownText.quoted(error.value)), which this version does not know")
        } catch {
            throw refusal(of: key, Self.words(error))
        }
        do throws(VolumeError) {
            try read.check()
        } catch {
            throw refusal(of: key, "cannot \(error.what): \(error.why)")
        }
        if let name = read.keyName, !"/\(key)".hasSuffix("/\(name)") {
            throw refusal(of: key, "it is about \(ShownText.quoted(name))")
        }
        return read
    }

    /// The volume is for the nodes that run a newer version; everything else goes on.
    private static func newer(_ key: String, _ why: String) -> VolumeError {
        VolumeError(
            .unexplained, "read the etcd key \(key)", why: why, remedy: "upgrade the plugin on this node",
            outcome: .refused)
    }

    private static func refusal(of key: String, _ why: String) -> VolumeError {
        VolumeError(
            .unexplained, "read the etcd key \(key)", why: "it is not a valid record: \(why)",
            remedy: "look at it with 'etcdctl get \(key)'; docs/operations.md says how to repair it", outcome: .refused
        )
    }

    static func writeToken(of value: [UInt8]) -> String? {
        try? UntrustedJSON.decode(Token.self, from: value).write
    }

    private static func words(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.debugDescription
        default: "\(error)"
        }
    }

    private struct Token: Decodable { let write: String? }

    private struct Stamped<Record: Encodable>: Encodable {
        let record: Record
        let write: String

        private enum Keys: CodingKey { case write }

        func encode(to encoder: any Encoder) throws {
            try record.encode(to: encoder)
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(write, forKey: .write)
        }
    }
}
