import LocalHTTP

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

/// The methods of the routes.
enum Method: String {
    case get = "GET"
    case post = "POST"
}

/// Why a request has no route.
enum RoutingFailure: Error, Equatable {
    case unknownPath(String)
    case wrongMethod(String, path: String, allowed: Method)
}

/// The routing table.
enum Routes {
    static let table: [String: (method: Method, route: Route)] = [
        "/Plugin.Activate": (.post, .operation(.activate)),
        "/VolumeDriver.Capabilities": (.post, .operation(.capabilities)),
        "/VolumeDriver.Create": (.post, .operation(.create)),
        "/VolumeDriver.Remove": (.post, .operation(.remove)),
        "/VolumeDriver.Mount": (.post, .operation(.mount)),
        "/VolumeDriver.Path": (.post, .operation(.path)),
        "/VolumeDriver.Unmount": (.post, .operation(.unmount)),
        "/VolumeDriver.Get": (.post, .operation(.get)),
        "/VolumeDriver.List": (.post, .operation(.list)),
        "/healthz": (.get, .health),
        "/metrics": (.get, .metrics),
    ]

    /// Finds what a request line asks for. A query is ignored.
    static func find(_ target: RequestTarget) -> Result<Route, RoutingFailure> {
        let path = String(target.uri.prefix { $0 != "?" })
        guard let entry = table[path] else { return .failure(.unknownPath(path)) }
        guard entry.method.rawValue == target.method else {
            return .failure(.wrongMethod(target.method, path: path, allowed: entry.method))
        }
        return .success(entry.route)
    }
}
