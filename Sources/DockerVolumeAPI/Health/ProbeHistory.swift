/// What small requests to a backend have shown, each made whatever became of those before. Without any effect of its own.
struct ProbeHistory: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How one request ended.
    enum Ending: Sendable, Equatable {
        /// - detail: one sentence for a person.
        case answered(detail: String)
        case failed(why: String)
    }

    /// An older answer says nothing about now.
    let staleAfter: Duration

    private var nextNumber = 0
    private var underWay: [Int: Instant] = [:]
    private var latest: (number: Int, ending: Ending)?
    /// When the backend last answered.
    private var answeredAt: Instant?
    private var firstAskedAt: Instant?
    /// How long the latest request took that was answered.
    private(set) var took: Duration?

    init(staleAfter: Duration) { self.staleAfter = staleAfter }

    /// - Returns: the request's number; `nil` while `most` requests are still unanswered.
    mutating func begin(at now: Instant, most: Int) -> Int? {
        guard underWay.count < most else { return nil }
        defer { nextNumber += 1 }
        underWay[nextNumber] = now
        firstAskedAt = firstAskedAt ?? now
        return nextNumber
    }

    /// What an older request comes to after a newer one says nothing new.
    mutating func end(_ number: Int, _ ending: Ending, at now: Instant) {
        let begun = underWay.removeValue(forKey: number)
        if case .answered = ending { answeredAt = max(answeredAt ?? now, now) }
        guard number >= latest?.number ?? 0 else { return }
        latest = (number, ending)
        if case .answered = ending { took = begun.map { now - $0 } }
    }

    /// Whether any request has ended.
    var hasEnded: Bool { latest != nil }

    func age(at now: Instant) -> Duration? { answeredAt.map { now - $0 } }

    /// Whether the latest request was answered, and lately.
    func verdict(at now: Instant) -> (ok: Bool, detail: String) {
        switch latest?.ending {
        case nil: (false, "not asked yet, or no answer yet")
        case .failed(let why): (false, why)
        case .answered(let detail):
            if let age = age(at: now), age > staleAfter {
                (false, "no answer for \(age.components.seconds) s")
            } else {
                (true, detail)
            }
        }
    }

    /// For how long requests have gone unanswered, when the latest one failed or is overdue; `nil` while all is well.
    func silence(at now: Instant) -> Duration? {
        guard !verdict(at: now).ok, let since = answeredAt ?? firstAskedAt else { return nil }
        return now - since
    }
}
