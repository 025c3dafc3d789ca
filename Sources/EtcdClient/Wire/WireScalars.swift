import FoundationEssentials
import UntrustedJSON

/// Bytes as the gateway writes them: base64.
struct WireBytes: Codable, Sendable, Equatable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let data = Data(base64Encoded: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not base64")
        }
        bytes = Array(data)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bytes).base64EncodedString())
    }
}

/// A 64-bit integer as the gateway writes it: a string, because JSON's numbers are no integers. A number is
/// accepted too.
struct WireInteger<Value: FixedWidthInteger & Codable & Sendable>: Codable, Sendable, Equatable {
    var value: Value

    init(_ value: Value) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            guard let value = Value(text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not an integer")
            }
            self.value = value
        } else {
            value = try container.decode(Value.self)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(value))
    }
}

typealias WireInt64 = WireInteger<Int64>
typealias WireUInt64 = WireInteger<UInt64>

extension WireInt64 {
    init?(_ value: Int64?) {
        guard let value else { return nil }
        self.init(value)
    }
}

/// An answer that is JSON but not what the protocol promises.
struct WireViolation: Error, Equatable {
    var problem: String

    /// - Parameter problem: may contain words of the server's.
    init(_ problem: String) {
        self.problem = problem.excerpt
    }
}

/// The one encoder and decoder of the gateway's JSON.
enum WireJSON {
    /// Sorted keys, so that the same request is always the same bytes.
    static func encode(_ value: some Encodable) throws(WireViolation) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw WireViolation("the request cannot be encoded: \(error)")
        }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(WireViolation) -> Value {
        do {
            return try UntrustedJSON.decode(type, from: bytes)
        } catch let error as DecodingError {
            throw WireViolation(problem(error))
        } catch {
            throw WireViolation("\(error)")
        }
    }

    private static func problem(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "field \(path(context.codingPath + [key])) is missing"
        case .valueNotFound(_, let context):
            "field \(path(context.codingPath)) is null"
        case .typeMismatch(_, let context):
            "field \(path(context.codingPath)) has the wrong type"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "not JSON" : "field \(path(context.codingPath)): \(context.debugDescription)"
        @unknown default:
            "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}
