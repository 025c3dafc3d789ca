/// A call that reaches the plugin, decoded.
enum VolumeRequest: Equatable, Sendable {
    case create(name: String, options: [String: String])
    case remove(name: String)
    case mount(name: String, id: String)
    case path(name: String)
    case unmount(name: String, id: String)
    case get(name: String)
    case list

    /// The volume that is asked for.
    var volume: String? {
        switch self {
        case .create(let name, _), .remove(let name), .mount(let name, _), .path(let name), .unmount(let name, _),
            .get(let name):
            name
        case .list: nil
        }
    }
}

/// A request that says something else than its call needs.
struct BadRequest: Error, Equatable, CustomStringConvertible {
    let operation: Operation
    /// What is wrong, as the end of a sentence that starts with the call.
    let reason: String

    var description: String { "\(operation.title): \(reason)" }
}
