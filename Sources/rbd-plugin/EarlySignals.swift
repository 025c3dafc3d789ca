import Glibc
import ServiceLifecycle
import Synchronization

/// Hears SIGTERM and SIGINT from the first moment on, until the service group does.
///
/// A service that systemd has been told of, or Docker has found the socket of, may be asked to end at once. A signal that
/// comes before the group listens would otherwise end the process without a word; process 1 of a container, which has no
/// default for signals, would not hear it at all.
enum EarlySignals {
    private static let asked = Atomic(false)

    /// Until the group's own handlers take these places.
    static func listen() {
        // Made before a handler needs it: nothing may be made in one.
        _ = wasAsked
        for number in [SIGTERM, SIGINT] { signal(number) { _ in EarlySignals.asked.store(true, ordering: .relaxed) } }
    }

    static var wasAsked: Bool { asked.load(ordering: .relaxed) }

    /// Ends its group where the signal came before the group listened, as the signal does later.
    struct Heard: Service {
        func run() async throws {
            // The group listens before it runs its services: what has not come by now comes to it.
            if EarlySignals.wasAsked { return }
            try await gracefulShutdown()
        }
    }
}
