import Synchronization

/// A block device that is held open. Closing it can wait for a device that hangs, so callers release it and wait. If nobody does,
/// because the caller gave up, the device is closed in the background.
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
