/// The name of a policy: letters, digits, `_` and `-`, at most 64. No dot, which stands between policy and volume in the name of
/// an image.
public struct PolicyName: Sendable, Hashable, Comparable {
    public static let maximumLength = 64

    public let text: String

    /// - Throws: `VolumeError` with code `invalidName`.
    public init(_ text: String) throws(VolumeError) {
        guard let first = text.utf8.first, text.utf8.count <= Self.maximumLength, NameBytes.isLetterOrDigit(first),
            text.utf8.allSatisfy({ NameBytes.isLetterOrDigit($0) || "_-".utf8.contains($0) })
        else {
            throw VolumeError(
                .invalidName, "use \(ShownText.quoted(text, limit: 40)) as the name of a policy",
                why: "it is not one",
                remedy: "use letters, digits, '_' and '-', beginning with a letter or a digit, at most"
                    + " \(Self.maximumLength) characters",
                outcome: .refused)
        }
        self.text = text
    }

    private init(known text: String) { self.text = text }

    /// The policy of the volumes for which no other is named, where there is a policy of that name.
    public static let standard = PolicyName(known: "default")

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension PolicyName: CustomStringConvertible {
    public var description: String { text }
}

extension PolicyName: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
