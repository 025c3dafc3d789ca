/// The fields of a record that this version of the plugin does not know. A newer version has written them, and they are written
/// back with everything that this version changes: a node that is upgraded later must not undo what the others recorded.
public struct UnknownFields: Sendable, Hashable {
    private var values: [String: KeptValue] = [:]

    /// Of a record that this version has made itself.
    public init() {}

    /// What is left of an object without the fields in `known`.
    init(_ container: KeyedDecodingContainer<RecordField>, besides known: Set<String>) throws {
        for field in container.allKeys where !known.contains(field.stringValue) {
            values[field.stringValue] = try container.decode(KeptValue.self, forKey: field)
        }
    }

    func encode(to container: inout KeyedEncodingContainer<RecordField>) throws {
        for (name, value) in values { try container.encode(value, forKey: RecordField(stringValue: name)) }
    }
}

/// Any JSON value, to be written as it was read.
enum KeptValue: Sendable, Hashable, Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case text(String)
    case array([KeptValue])
    case object([String: KeptValue])

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: RecordField.self) {
            var fields: [String: KeptValue] = [:]
            for field in object.allKeys { fields[field.stringValue] = try object.decode(KeptValue.self, forKey: field) }
            self = .object(fields)
        } else if var array = try? decoder.unkeyedContainer() {
            var values: [KeptValue] = []
            while !array.isAtEnd { values.append(try array.decode(KeptValue.self)) }
            self = .array(values)
        } else {
            self = try Self.single(try decoder.singleValueContainer())
        }
    }

    private static func single(_ value: any SingleValueDecodingContainer) throws -> KeptValue {
        if value.decodeNil() { return .null }
        if let bool = try? value.decode(Bool.self) { return .bool(bool) }
        if let integer = try? value.decode(Int64.self) { return .integer(integer) }
        if let unsigned = try? value.decode(UInt64.self) { return .unsigned(unsigned) }
        if let number = try? value.decode(Double.self) { return .number(number) }
        return .text(try value.decode(String.self))
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let fields):
            var container = encoder.container(keyedBy: RecordField.self)
            for (name, value) in fields { try container.encode(value, forKey: RecordField(stringValue: name)) }
        case .array(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(value) }
        case .null: try encode { try $0.encodeNil() }
        case .bool(let bool): try encode { try $0.encode(bool) }
        case .integer(let integer): try encode { try $0.encode(integer) }
        case .unsigned(let unsigned): try encode { try $0.encode(unsigned) }
        case .number(let number): try encode { try $0.encode(number) }
        case .text(let text): try encode { try $0.encode(text) }
        }

        func encode(_ write: (inout any SingleValueEncodingContainer) throws -> Void) throws {
            var container = encoder.singleValueContainer()
            try write(&container)
        }
    }
}
