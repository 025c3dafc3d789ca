/// Durations of the same thing done again and again.
struct Samples: Sendable {
    private var sorted: [Duration] = []

    mutating func add(_ duration: Duration) {
        sorted.append(duration)
        sorted.sort()
    }

    mutating func merge(_ other: Samples?) {
        for duration in other?.sorted ?? [] { add(duration) }
    }

    func merging(_ other: Samples) -> Samples {
        var both = self
        both.merge(other)
        return both
    }

    var count: Int { sorted.count }
    var fastest: Duration { at(0) }
    var median: Duration { at(0.5) }
    var p95: Duration { at(0.95) }

    private func at(_ share: Double) -> Duration {
        guard !sorted.isEmpty else { return .zero }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.down)))]
    }

    /// Runs `body` and adds how long it took.
    @discardableResult
    mutating func time<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        let began = ContinuousClock.now
        let value = try await body()
        add(ContinuousClock.now - began)
        return value
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15
    }
}
