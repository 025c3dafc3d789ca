import Synchronization
import VolumeCore

/// The trims that go on. Whoever wants to unmount a volume ends its trim first: it keeps the filesystem busy.
final class RunningTrims: Sendable {
    /// By volume: whether the trim is to end.
    private let trims = Mutex<[VolumeName: Bool]>([:])

    /// - Returns: `false` when there is one already.
    func begin(_ name: VolumeName) -> Bool {
        trims.withLock { trims in
            guard trims[name] == nil else { return false }
            trims[name] = false
            return true
        }
    }

    func end(_ name: VolumeName) { trims.withLock { $0[name] = nil } }

    /// - Returns: whether there is one that can be stopped.
    func stop(_ name: VolumeName) -> Bool {
        trims.withLock { trims in
            guard trims[name] != nil else { return false }
            trims[name] = true
            return true
        }
    }

    func isGoingOn(_ name: VolumeName) -> Bool { trims.withLock { $0[name] != nil } }

    func isToStop(_ name: VolumeName) -> Bool { trims.withLock { $0[name] == true } }
}
