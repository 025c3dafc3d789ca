import Synchronization

/// A block device that is held open. It is let go of when this is released, or is gone.
public final class HeldDevice: Sendable {
    private let letGo: Mutex<(@Sendable () -> Void)?>

    /// - Parameter letGo: called once.
    public init(letGo: @escaping @Sendable () -> Void) { self.letGo = Mutex(letGo) }

    deinit { release() }

    public func release() {
        let letGo = letGo.withLock { letGo in
            defer { letGo = nil }
            return letGo
        }
        letGo?()
    }
}
