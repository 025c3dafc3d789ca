/// The slots of a schedule that count as taken: spans of time, from one slot to another. Between two of them nothing was taken,
/// be it that the volume did not change, or that a clock was wrong for a while.
public struct TakenSlots: Sendable, Hashable {
    /// From the first slot to the last, both taken.
    public struct Span: Sendable, Hashable, Codable {
        public var from: WallTime
        public var to: WallTime

        public init(from: WallTime, to: WallTime) {
            self.from = from
            self.to = to
        }
    }

    /// With more of them, two that lie close together are taken for one: what is between them then counts as taken.
    static let most = 8

    /// In order, each after the one before it.
    public private(set) var spans: [Span] = []

    public init() {}

    public func contains(_ slot: WallTime) -> Bool { spans.contains { $0.from <= slot && slot <= $0.to } }

    /// - Parameter interval: of the schedule. Slots that are no further apart are neighbours.
    public mutating func insert(_ slot: WallTime, interval: Duration) {
        guard !contains(slot) else { return }
        spans.append(Span(from: slot, to: slot))
        spans = Self.joined(spans, closerThan: interval)
        while spans.count > Self.most, let least = zip(spans, spans.dropFirst()).map({ $1.from - $0.to }).min() {
            spans = Self.joined(spans, closerThan: least)
        }
    }

    /// In order, with those joined that are so close together.
    private static func joined(_ spans: [Span], closerThan distance: Duration) -> [Span] {
        spans.sorted { $0.from < $1.from }.reduce(into: []) { joined, span in
            if let last = joined.last, span.from - last.to <= distance {
                joined[joined.count - 1].to = max(last.to, span.to)
            } else {
                joined.append(span)
            }
        }
    }
}

extension TakenSlots: Codable {
    public init(from decoder: any Decoder) throws {
        let spans = try [Span](from: decoder).filter { $0.from <= $0.to }
        self.spans = Self.joined(spans, closerThan: .zero)
    }

    public func encode(to encoder: any Encoder) throws { try spans.encode(to: encoder) }
}
