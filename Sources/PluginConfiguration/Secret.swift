/// A text that must never be seen: a Ceph key, a password, a keyring.
///
/// Printing, dumping, interpolating or logging it gives `<secret>`. The text itself comes out only through
/// ``reveal()``, so that every place that uses it can be found by that name.
public struct Secret: Sendable, Hashable {
    private let text: String

    /// Wraps a text. The caller drops its own copy.
    public init(_ text: String) {
        self.text = text
    }

    /// The text itself. Never put the result into a log, an error, an argument list or the environment of a child.
    public func reveal() -> String {
        text
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<secret>" }
    public var debugDescription: String { "<secret>" }
    /// Without children, so that `dump` and every printer built on mirrors see nothing either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
