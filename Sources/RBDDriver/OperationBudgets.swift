import Synchronization

/// The driver's settings. Their budgets can change while operations run.
final class OperationBudgets: Sendable {
    private let current: Mutex<DriverSettings>

    init(_ settings: DriverSettings) { current = Mutex(settings) }

    var settings: DriverSettings { current.withLock { $0 } }

    func change(work: Duration, undo: Duration, handOverWait: Duration) {
        current.withLock { settings in
            (settings.workBudget, settings.undoBudget, settings.handOverWait) = (work, undo, handOverWait)
        }
    }
}
