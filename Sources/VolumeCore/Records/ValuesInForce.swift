/// What is in force on a mount, of the values that can change while a volume is in use.
public struct ValuesInForce: Sendable, Hashable {
    public var values: RuntimeSettings
    /// Why not all that was wanted is; `nil` when it is.
    public var reason: String?

    public init(_ values: RuntimeSettings, reason: String? = nil) {
        self.values = values
        self.reason = reason
    }

    /// On a device that has just been mapped.
    public static let none = ValuesInForce(RuntimeSettings())
}
