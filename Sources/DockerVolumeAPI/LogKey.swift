import Logging

/// The metadata keys of this module's log messages.
enum LogKey {
    static let operation = "operation"
    static let volume = "volume"
    static let mountID = "mount-id"
    static let error = "error"
    static let reason = "reason"

    /// Text from a client, shortened: a name can be as long as a request.
    static func shortened(_ text: String) -> Logger.MetadataValue {
        text.utf8.count > 200 ? "\(text.prefix(200))…" : "\(text)"
    }
}
