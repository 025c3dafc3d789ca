/// A value in a volume's `Status`: JSON without fractions and without null.
public enum StatusValue: Sendable, Equatable {
    case string(String)
    case int(Int64)
    case bool(Bool)
    case array([StatusValue])
    case object([String: StatusValue])
}

extension StatusValue: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let values): try container.encode(values)
        }
    }
}

extension StatusValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: StatusValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, StatusValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
