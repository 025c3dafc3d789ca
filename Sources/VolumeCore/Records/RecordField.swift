/// The name of a field of a record. Records are decoded by name and not by a fixed list, so that fields that this version does
/// not know can be kept.
struct RecordField: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringLiteral text: String) { stringValue = text }
    init(stringValue text: String) { stringValue = text }
    init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer where Key == RecordField {
    /// A field that every version has written.
    func field<Value: Decodable>(_ name: RecordField) throws -> Value { try decode(Value.self, forKey: name) }

    /// A field that may be absent, since an older version had none or since it says nothing.
    func field<Value: Decodable>(_ name: RecordField, or absent: Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: name) ?? absent
    }

    /// A field that names one of several kinds. A newer version may know more of them.
    /// - Throws: `UnknownKind` for one that this version does not know.
    func kind<Value: RawRepresentable<String>>(_ name: RecordField) throws -> Value {
        let text = try decode(String.self, forKey: name)
        guard let kind = Value(rawValue: text) else { throw UnknownKind(field: name.stringValue, value: text) }
        return kind
    }

    /// A field that may be absent.
    func optional<Value: Decodable>(_ name: RecordField) throws -> Value? {
        try decodeIfPresent(Value.self, forKey: name)
    }
}
