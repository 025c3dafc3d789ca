/// The name of a field of a record. Records are decoded by name and not by a fixed list, so that fields that this version does
/// not know can be kept.
struct RecordField: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringLiteral text: String) { stringValue = text }
    init(stringValue text: String) { stringValue = text }
    init?(intValue: Int) { nil }
}

/// Reads the fields of a record, and remembers which: what it was not asked for, this version does not know.
struct RecordReader {
    private let fields: KeyedDecodingContainer<RecordField>
    private var known: Set<String> = []

    init(_ decoder: any Decoder) throws { fields = try decoder.container(keyedBy: RecordField.self) }

    /// A field that every version has written.
    mutating func field<Value: Decodable>(_ name: RecordField) throws -> Value {
        skip(name)
        return try fields.decode(Value.self, forKey: name)
    }

    /// A field that may be absent, since an older version had none or since it says nothing.
    mutating func field<Value: Decodable>(_ name: RecordField, or absent: Value) throws -> Value {
        try optional(name) ?? absent
    }

    /// A field that may be absent.
    mutating func optional<Value: Decodable>(_ name: RecordField) throws -> Value? {
        skip(name)
        return try fields.decodeIfPresent(Value.self, forKey: name)
    }

    /// A field that names one of several kinds. A newer version may know more of them.
    /// - Throws: `UnknownKind` for one that this version does not know.
    mutating func kind<Value: RawRepresentable<String>>(_ name: RecordField) throws -> Value {
        let text: String = try field(name)
        guard let kind = Value(rawValue: text) else { throw UnknownKind(field: name.stringValue, value: text) }
        return kind
    }

    /// As `kind`, of a field that may be absent.
    mutating func optionalKind<Value: RawRepresentable<String>>(_ name: RecordField) throws -> Value? {
        guard let text: String = try optional(name) else { return nil }
        guard let kind = Value(rawValue: text) else { throw UnknownKind(field: name.stringValue, value: text) }
        return kind
    }

    /// The field is known, and is not for the record.
    mutating func skip(_ name: RecordField) { known.insert(name.stringValue) }

    /// What has not been asked for: to be called last.
    func unknown() throws -> UnknownFields { try UnknownFields(fields, besides: known) }
}
