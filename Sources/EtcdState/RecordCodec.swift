import FoundationEssentials
import UntrustedJSON
import VolumeCore

/// A record that says which schema it has, and what it can say.
protocol StateRecord: Codable, CheckedRecord {
    static var currentSchema: Int { get }
    var schema: Int { get }
}

extension VolumeRecord: StateRecord {}
extension Attachment: StateRecord {}
extension NodeRecord: StateRecord {}
extension ClusterRecord: StateRecord {}

extension NodeRecord: CheckedRecord {
    public var keyName: String? { node }

    public func check() throws(VolumeError) {
        try RecordForm.node(NodeIdentity(node: node, boot: boot), "node")
    }
}

extension ClusterRecord: CheckedRecord {
    public var keyName: String? { nil }

    public func check() throws(VolumeError) { try RecordForm.id(fsid, "fsid") }
}

/// How records stand in etcd: JSON with sorted keys, readable with etcdctl, and with one more field, `write`, a token
/// of the write that put it there. A node whose answer got lost finds out by it whether its own write happened.
///
/// etcd has its own users, who may be fewer or others than those who may do as they like on the nodes. So nothing of a record
/// is believed before it has passed the checks of `CheckedRecord`; and nothing is written that would not pass them.
enum RecordCodec {
    static func encode(_ record: some StateRecord, write: String) throws(VolumeError) -> [UInt8] {
        try record.check()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(Stamped(record: record, write: write)))
        } catch {
            throw VolumeError(.internalFault, "encode a record", why: "\(error)", remedy: "please report this")
        }
    }

    /// - Throws: `VolumeError` with code `unexplained`, naming the key, for what is no record of this schema, and for a record
    ///   that says what the plugin would not have written.
    static func decode<Record: StateRecord>(
        _ type: Record.Type, from value: [UInt8], key: String
    ) throws(VolumeError) -> Record {
        let record = Result { try UntrustedJSON.decode(Record.self, from: value) }
        // What a newer version wrote may look like a record and mean something else.
        let schema = (try? record.get().schema) ?? (try? UntrustedJSON.decode(Schema.self, from: value).schema)
        if let schema, schema > Record.currentSchema {
            throw VolumeError(
                .unexplained, "read the etcd key \(key)",
                why: "it has schema \(schema), written by a newer version of this plugin",
                remedy: "upgrade the plugin on this node", outcome: .refused)
        }
        let read: Record
        do {
            read = try record.get()
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

    private static func refusal(of key: String, _ why: String) -> VolumeError {
        VolumeError(
            .unexplained, "read the etcd key \(key)", why: "it is no valid record: \(why)",
            remedy: "look at it with 'etcdctl get \(key)'; how to repair it is in docs/operations.md", outcome: .refused
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

    private struct Schema: Decodable { let schema: Int }

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
