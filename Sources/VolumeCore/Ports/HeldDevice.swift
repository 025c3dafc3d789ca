import Synchronization

/// A block device that is held open. Letting go may wait for the device, which may hang: so it is asked for, as a rule. One that is
/// given up without that, as when nobody waits for it any more, is let go of beside everything else.
public final class HeldDevice: Sendable {
    private let letGo: Mutex<(@Sendable () async -> Void)?>
    private let givenUp: @Sendable () -> Void

    /// Either of the two is called, once.
    /// - Parameter givenUp: must not wait.
    public init(letGo: @escaping @Sendable () async -> Void, givenUp: @escaping @Sendable () -> Void) {
        self.letGo = Mutex(letGo)
        self.givenUp = givenUp
    }

    deinit {
        if take() != nil { givenUp() }
    }

    /// Does nothing the second time.
    public func release() async { await take()?() }

    private func take() -> (@Sendable () async -> Void)? {
        letGo.withLock { letGo in
            defer { letGo = nil }
            return letGo
        }
    }
}
