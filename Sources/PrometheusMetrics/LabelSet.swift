/// The labels of one series, sorted by name, each name once.
struct LabelSet: Hashable, Sendable {
    let pairs: [Pair]

    struct Pair: Hashable, Sendable {
        let name: String
        let value: String
    }

    /// The first value wins where two names are the same after they were made legal.
    init(_ dimensions: [(String, String)]) {
        var values: [String: String] = [:]
        for (name, value) in dimensions {
            let name = MetricName.sanitisedLabel(name)
            values[name] = values[name] ?? value
        }
        pairs = values.map(Pair.init(name:value:)).sorted { $0.name < $1.name }
    }
}

extension LabelSet: Comparable {
    /// Orders series within a family, so that a scrape always lists them alike.
    static func < (left: LabelSet, right: LabelSet) -> Bool {
        left.pairs.lexicographicallyPrecedes(right.pairs) { ($0.name, $0.value) < ($1.name, $1.value) }
    }
}
