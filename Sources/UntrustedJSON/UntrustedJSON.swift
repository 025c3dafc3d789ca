import FoundationEssentials

/// JSON that others have written: callers of the socket, whoever may write to etcd, servers, tools.
public enum UntrustedJSON {
    /// Foundation's decoder goes no deeper than this. It does not merely refuse what does: where the text ends right there,
    /// it ends the process. So it never sees such a text. What is decoded here has less than ten levels.
    public static let deepest = 512

    /// - Throws: ``TooDeep``, or what the decoder throws.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], deepest limit: Int = deepest
    ) throws -> Value {
        guard !JSONNesting.exceeds(limit, in: bytes) else { throw TooDeep(limit: limit) }
        return try JSONDecoder().decode(type, from: Data(bytes))
    }

    /// A text that is no JSON of ours, whatever else it is.
    public struct TooDeep: Error, CustomStringConvertible {
        let limit: Int

        public var description: String { "its JSON is nested more than \(limit) levels deep" }
    }
}
