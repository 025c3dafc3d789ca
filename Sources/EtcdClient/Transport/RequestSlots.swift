/// Which requests may run: so many at a time for each endpoint, in the order they came.
///
/// Bounds the connections to a server. Streams hold a connection for as long as they live and are not counted, or a
/// few watches would lock everything else out.
struct RequestSlots {
    private let limit: Int
    private var used: [Endpoint: Int] = [:]
    private var waiting: [TransferOrder] = []

    init(limit: Int) {
        self.limit = limit
    }

    mutating func enqueue(_ order: TransferOrder) {
        waiting.append(order)
    }

    var hasStartable: Bool { waiting.contains(where: isStartable) }

    /// The first order in line that may run now. The caller gives the slot back with `release`.
    mutating func takeStartable() -> TransferOrder? {
        guard let index = waiting.firstIndex(where: isStartable) else { return nil }
        let order = waiting.remove(at: index)
        if order.occupiesSlot { used[order.request.endpoint, default: 0] += 1 }
        return order
    }

    mutating func release(_ order: TransferOrder) {
        if order.occupiesSlot { used[order.request.endpoint, default: 1] -= 1 }
    }

    mutating func remove(_ id: TransferID) -> TransferOrder? {
        waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0) }
    }

    mutating func removeExpired(at now: ContinuousClock.Instant) -> [TransferOrder] {
        let expired = waiting.filter { $0.isExpired(at: now) }
        if !expired.isEmpty { waiting.removeAll { $0.isExpired(at: now) } }
        return expired
    }

    mutating func removeAll() -> [TransferOrder] {
        defer { waiting = [] }
        return waiting
    }

    var earliestDeadline: ContinuousClock.Instant? {
        waiting.compactMap(\.request.deadline).min()
    }

    private func isStartable(_ order: TransferOrder) -> Bool {
        !order.occupiesSlot || used[order.request.endpoint, default: 0] < limit
    }
}

extension TransferOrder {
    fileprivate var occupiesSlot: Bool {
        if case .whole = sink { true } else { false }
    }

    fileprivate func isExpired(at now: ContinuousClock.Instant) -> Bool {
        request.deadline.map { $0 <= now } ?? false
    }
}
