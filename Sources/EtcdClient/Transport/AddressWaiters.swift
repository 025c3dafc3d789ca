/// Orders that cannot start before their host's address is known, each with the time at which it gives up.
struct AddressWaiters {
    private var waiting: [(order: TransferOrder, until: ContinuousClock.Instant)] = []

    /// Waiting for an address is part of connecting.
    mutating func add(_ order: TransferOrder, now: ContinuousClock.Instant) {
        let limit = now.advanced(by: order.request.connectTimeout)
        waiting.append((order, min(limit, order.request.deadline ?? limit)))
    }

    mutating func remove(_ id: TransferID) -> TransferOrder? {
        waiting.firstIndex { $0.order.id == id }.map { waiting.remove(at: $0).order }
    }

    mutating func take(for host: String) -> [TransferOrder] { take { $0.order.request.endpoint.host == host } }

    mutating func takeExpired(at now: ContinuousClock.Instant) -> [TransferOrder] { take { $0.until <= now } }

    mutating func takeAll() -> [TransferOrder] { take { _ in true } }

    var earliestEnd: ContinuousClock.Instant? { waiting.map(\.until).min() }

    private mutating func take(
        _ isMeant: ((order: TransferOrder, until: ContinuousClock.Instant)) -> Bool
    ) -> [TransferOrder] {
        let meant = waiting.filter(isMeant)
        if !meant.isEmpty { waiting.removeAll(where: isMeant) }
        return meant.map(\.order)
    }
}
