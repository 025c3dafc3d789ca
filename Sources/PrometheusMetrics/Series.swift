import CoreMetrics
import Synchronization

/// One series of a family: what a scrape reads.
protocol Series: AnyObject, Sendable {
    func samples() -> [Sample]
}

/// A number that only grows, behind swift-metrics' counters of both kinds.
final class CounterSeries: Series, CounterHandler, FloatingPointCounterHandler {
    private let value = Mutex(0.0)

    func increment(by amount: Int64) {
        increment(by: Double(amount))
    }

    func increment(by amount: Double) {
        value.withLock { $0 += amount }
    }

    func reset() {
        value.withLock { $0 = 0 }
    }

    func samples() -> [Sample] {
        [Sample(value: value.withLock { $0 })]
    }
}

/// A number that goes up and down, behind meters, gauges and recorders that do not aggregate.
final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ new: Int64) {
        set(Double(new))
    }

    func set(_ new: Double) {
        value.withLock { $0 = new }
    }

    func increment(by amount: Double) {
        value.withLock { $0 += amount }
    }

    func decrement(by amount: Double) {
        value.withLock { $0 -= amount }
    }

    func record(_ new: Int64) {
        set(Double(new))
    }

    func record(_ new: Double) {
        set(new)
    }

    func samples() -> [Sample] {
        [Sample(value: value.withLock { $0 })]
    }
}

/// A value that is asked for at each scrape.
final class ComputedSeries: Series {
    private let compute: @Sendable () -> Double

    init(_ compute: @escaping @Sendable () -> Double) {
        self.compute = compute
    }

    func samples() -> [Sample] {
        [Sample(value: compute())]
    }
}
