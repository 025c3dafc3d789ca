/// A record says of itself what this version of the plugin has no word for. Most likely a newer version has written it.
public struct UnknownKind: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name of the field: `phase`.
    public let field: String
    public let value: String

    public var description: String { "\(field) is \(ShownText.quoted(value))" }
}
