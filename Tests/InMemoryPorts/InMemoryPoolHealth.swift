import Synchronization
import VolumeCore

/// Pools that answer, but for those that a test makes silent.
public final class InMemoryPoolHealth: PoolHealth {
    private let silences = Mutex<[String: Duration]>([:])

    public init() {}

    public func silence(of pool: String) -> Duration? { silences.withLock { $0[pool] } }

    /// - Parameter duration: `nil` makes it answer again.
    public func setSilence(of pool: String, _ duration: Duration?) { silences.withLock { $0[pool] = duration } }
}
