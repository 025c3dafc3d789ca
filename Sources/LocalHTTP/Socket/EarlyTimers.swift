/// The timers of libdispatch, made before anybody needs them.
///
/// libdispatch opens a timer descriptor for each clock when that is first slept on, and ends the process when it gets none.
/// Slept on while the server starts, long enough for the timer to be set, so that a later lack of descriptors only delays
/// clients.
struct EarlyTimers: Sendable {
    private let sleep: Task<Void, Never>

    /// Sets them beside what goes on.
    init(sleeping duration: Duration = .milliseconds(100)) {
        sleep = Task {
            try? await Task.sleep(for: duration, clock: .continuous)
            try? await Task.sleep(for: duration, clock: .suspending)
        }
    }

    /// Returns once nothing of it goes on any more, which it does not wait for.
    func end() async {
        sleep.cancel()
        await sleep.value
    }
}
