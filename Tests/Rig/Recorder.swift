import Synchronization

/// Collects what callbacks on other threads report.
public final class Recorder<Value: Sendable>: Sendable {
    private let recorded = Mutex<[Value]>([])

    public init() {}

    public var values: [Value] { recorded.withLock { $0 } }

    public func append(_ value: Value) {
        recorded.withLock { $0.append(value) }
    }
}
