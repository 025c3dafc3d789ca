import Synchronization
import VolumeCore

/// The trims that go on. Whoever wants to unmount a volume ends its trim first: it keeps the filesystem busy.
final class RunningTrims: Sendable {
    private struct Trim {
        var isToStop = false
        /// Resumed when the trim is to end.
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let trims = Mutex<[VolumeName: Trim]>([:])

    /// - Returns: `false` when there is one already.
    func begin(_ name: VolumeName) -> Bool {
        trims.withLock { trims in
            guard trims[name] == nil else { return false }
            trims[name] = Trim()
            return true
        }
    }

    func end(_ name: VolumeName) {
        let waiting = trims.withLock { trims in
            let waiting = trims[name]?.waiting
            trims[name] = nil
            return waiting
        }
        waiting?.resume()
    }

    /// - Returns: whether there is one that can be stopped.
    func stop(_ name: VolumeName) -> Bool {
        let (isThere, waiting) = trims.withLock { trims in
            let waiting = trims[name]?.waiting
            trims[name]?.isToStop = true
            trims[name]?.waiting = nil
            return (trims[name] != nil, waiting)
        }
        waiting?.resume()
        return isThere
    }

    func isGoingOn(_ name: VolumeName) -> Bool { trims.withLock { $0[name] != nil } }

    /// Returns when the trim is to end, or when the task is cancelled. One task waits for one trim.
    func waitForStop(_ name: VolumeName) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = trims.withLock { trims in
                    guard trims[name]?.isToStop == false, !Task.isCancelled else { return true }
                    trims[name]?.waiting = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiting = trims.withLock { trims in
                let waiting = trims[name]?.waiting
                trims[name]?.waiting = nil
                return waiting
            }
            waiting?.resume()
        }
    }
}
