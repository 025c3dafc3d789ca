import NIOHTTP1

/// What the socket answers.
enum Route: Hashable, Sendable {
    case operation(Operation)
    case health
    case metrics
}

/// Docker's calls. The raw value is the name in metrics and logs.
enum Operation: String, CaseIterable, Sendable {
    case activate, capabilities, create, remove, mount, path, unmount, get, list

    /// The name as Docker and its users know it, for error texts.
    var title: String {
        self == .activate ? "Plugin.Activate" : rawValue.prefix(1).uppercased() + rawValue.dropFirst()
    }
}

/// Why a request has no route.
enum RoutingFailure: Error, Equatable {
    case unknownPath(String)
    case wrongMethod(HTTPMethod, path: String, allowed: HTTPMethod)
}

/// The routing table.
enum Routes {
    static let table: [String: (method: HTTPMethod, route: Route)] = [
        "/Plugin.Activate": (.POST, .operation(.activate)),
        "/VolumeDriver.Capabilities": (.POST, .operation(.capabilities)),
        "/VolumeDriver.Create": (.POST, .operation(.create)),
        "/VolumeDriver.Remove": (.POST, .operation(.remove)),
        "/VolumeDriver.Mount": (.POST, .operation(.mount)),
        "/VolumeDriver.Path": (.POST, .operation(.path)),
        "/VolumeDriver.Unmount": (.POST, .operation(.unmount)),
        "/VolumeDriver.Get": (.POST, .operation(.get)),
        "/VolumeDriver.List": (.POST, .operation(.list)),
        "/healthz": (.GET, .health),
        "/metrics": (.GET, .metrics),
    ]

    /// Finds what a request line asks for. A query is ignored.
    static func find(method: HTTPMethod, uri: String) -> Result<Route, RoutingFailure> {
        let path = String(uri.prefix { $0 != "?" })
        guard let entry = table[path] else { return .failure(.unknownPath(path)) }
        guard entry.method == method else {
            return .failure(.wrongMethod(method, path: path, allowed: entry.method))
        }
        return .success(entry.route)
    }
}
