import Synchronization

/// Which endpoint is tried first. All calls stay with one until it fails, then all move on to the next.
final class EndpointSelector: Sendable {
    private let endpoints: [Endpoint]
    private let current = Mutex(0)

    /// - Parameter endpoints: at least one.
    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
    }

    /// All endpoints, the preferred one first.
    func inOrder() -> [Endpoint] {
        let start = current.withLock { $0 }
        return Array(endpoints[start...] + endpoints[..<start])
    }

    /// Moves on, unless another call has done so already.
    func recordFailure(of endpoint: Endpoint) {
        current.withLock { current in
            if endpoints[current] == endpoint { current = (current + 1) % endpoints.count }
        }
    }
}
