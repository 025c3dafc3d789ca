import Synchronization

/// Asks a backend something small again and again, in the background, so that its health is what was true seconds ago and
/// costs whoever looks at it nothing.
///
/// A request that hangs does not hold up the next one. The backend counts as down once a request has failed, or when it has
/// not answered for `staleAfter`.
public final class BackendProbe: Sendable {
    /// How often, and how patiently.
    public struct Pace: Sendable {
        public var every: Duration
        /// What one request may take.
        public var limit: Duration
        public var staleAfter: Duration

        public init(every: Duration = .seconds(5), limit: Duration = .seconds(5), staleAfter: Duration = .seconds(15)) {
            self.every = every
            self.limit = limit
            self.staleAfter = staleAfter
        }
    }

    /// So many requests can be waiting for an answer at a time, for those that are never answered at all.
    private static let most = 4

    private let pace: Pace
    private let ask: @Sendable (Duration) async throws -> String
    private let history: Mutex<ProbeHistory>

    /// - Parameter ask: makes one request, which may take as long as it is told, and returns a sentence for people.
    public init(_ pace: Pace, ask: @escaping @Sendable (Duration) async throws -> String) {
        self.pace = pace
        self.ask = ask
        history = Mutex(ProbeHistory(staleAfter: pace.staleAfter))
    }

    /// Asks until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { requests in
            while !Task.isCancelled {
                requests.addTask { await self.askOnce() }
                try? await Task.sleep(for: self.pace.every)
            }
        }
    }

    /// One request.
    public func askOnce() async {
        guard let number = history.withLock({ $0.begin(at: .now, most: Self.most) }) else { return }
        do {
            let detail = try await ask(pace.limit)
            history.withLock { $0.end(number, .answered(detail: detail), at: .now) }
        } catch {
            history.withLock { $0.end(number, .failed(why: "\(error)"), at: .now) }
        }
    }

    /// How the backend is now.
    public func component(_ name: String) -> HealthReport.Component {
        history.withLock { history in
            let (ok, detail) = history.verdict(at: .now)
            return .init(name: name, ok: ok, detail: detail, ageSeconds: history.age(at: .now).map(Self.seconds))
        }
    }

    /// Whether a request has come to its end, whichever that was.
    public var hasAsked: Bool { history.withLock { $0.hasEnded } }

    /// For how long it has not answered; `nil` while all is well.
    public var silence: Duration? { history.withLock { $0.silence(at: .now) } }

    /// How long the latest answer took; `nil` when there has been none, or the backend counts as down.
    public var answerTook: Duration? {
        history.withLock { $0.verdict(at: .now).ok ? $0.took : nil }
    }

    /// To a tenth.
    private static func seconds(_ duration: Duration) -> Double { (duration / .seconds(1) * 10).rounded() / 10 }
}
