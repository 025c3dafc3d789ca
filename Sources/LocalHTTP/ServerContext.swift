import Synchronization

/// What every connection of one server shares.
struct ServerContext<Service: LocalService>: Sendable {
    let service: Service
    let budget: CallBudget
    let maximumBodySize: Int
    let open: OpenWork
}

/// How long a client waits for one call at most, which can change while the server runs: calls that begin then have it.
final class CallBudget: Sendable {
    private let duration: Mutex<Duration>

    init(_ duration: Duration) { self.duration = Mutex(duration) }

    var now: Duration { duration.withLock { $0 } }

    func change(to duration: Duration) { self.duration.withLock { $0 = duration } }
}
