import Synchronization
import VolumeCore

/// The trims that go on. Whoever wants to unmount a volume ends its trim first: it keeps the filesystem busy.
final class RunningTrims: Sendable {
    private struct Trim {
        let stop = Happening()
        let end = Happening()
    }

    private let trims = Mutex<[VolumeName: Trim]>([:])

    /// - Returns: what happens when the trim is to stop; `nil` when there is a trim of the volume already.
    func begin(_ name: VolumeName) -> Happening? {
        trims.withLock { trims in
            guard trims[name] == nil else { return nil }
            let trim = Trim()
            trims[name] = trim
            return trim.stop
        }
    }

    /// The trim has come to its end.
    func end(_ name: VolumeName) { trims.withLock { $0.removeValue(forKey: name) }?.end.happen() }

    /// Asks the volume's trim to stop.
    /// - Returns: what happens when it has come to its end; `nil` when there is none.
    func stop(_ name: VolumeName) -> Happening? {
        let trim = trims.withLock { $0[name] }
        trim?.stop.happen()
        return trim?.end
    }
}

/// Something that happens once, and that tasks wait for.
final class Happening: Sendable {
    private struct State {
        var hasHappened = false
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    func happen() {
        let waiting = state.withLock { state in
            state.hasHappened = true
            defer { state.waiting = [:] }
            return state.waiting.values.map(\.self)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when it has happened, or when the task is cancelled.
    func wait() async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // A cancellation that comes later finds what is kept here.
                    if state.hasHappened || Task.isCancelled { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }
}
