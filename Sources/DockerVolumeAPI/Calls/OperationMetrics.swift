import CoreMetrics

/// How a call ended, as it is counted.
public enum OperationOutcome: String, CaseIterable, Sendable {
    case ok
    /// The plugin said no: the request asks for something that cannot be.
    case refused
    /// The plugin tried and could not.
    case failed
    /// The plugin does not know whether it happened.
    case unknown
    /// The request was malformed and never reached the plugin.
    case invalid
    /// The budget ran out before the work ended.
    case timeout
    /// The client closed its connection before the work ended.
    case abandoned
    /// The connection was closed without a reply, because no answer would have been true.
    case unanswered
}

/// What is counted of Docker's calls, through swift-metrics.
public struct OperationMetrics: Sendable {
    /// What each metric means, by name: for the metrics backend to show.
    public static let help = [
        operations: "Docker's volume calls, by kind and outcome.",
        duration: "Time from a complete request to its answer, its time-out or its client's disconnecting, in seconds.",
        inFlight: "Volume calls whose work has not ended, whether or not a client still waits for it.",
    ]

    private static let operations = "rbd_plugin_operations_total"
    private static let duration = "rbd_plugin_operation_duration_seconds"
    private static let inFlight = "rbd_plugin_operations_in_flight"

    private let factory: any MetricsFactory

    init(factory: any MetricsFactory) {
        self.factory = factory
    }

    func answered(_ operation: Operation, _ outcome: OperationOutcome, after elapsed: Duration) {
        answered(operation, outcome)
        CoreMetrics.Timer(label: Self.duration, dimensions: Self.labels(operation), factory: factory)
            .recordNanoseconds(elapsed.nanoseconds)
    }

    /// A call that took no time worth measuring.
    func answered(_ operation: Operation, _ outcome: OperationOutcome) {
        let dimensions = Self.labels(operation) + [("outcome", outcome.rawValue)]
        Counter(label: Self.operations, dimensions: dimensions, factory: factory).increment()
    }

    func workBegan(_ operation: Operation) {
        Meter(label: Self.inFlight, dimensions: Self.labels(operation), factory: factory).increment(by: 1)
    }

    func workEnded(_ operation: Operation) {
        Meter(label: Self.inFlight, dimensions: Self.labels(operation), factory: factory).decrement(by: 1)
    }

    private static func labels(_ operation: Operation) -> [(String, String)] {
        [("operation", operation.rawValue)]
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
