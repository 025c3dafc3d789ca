/// Finds the name that a slip of the hand has made another one of.
package enum NearestName {
    /// How many letters a slip changes at most; of a short name, no more than half of them.
    private static let furthest = 3

    /// - Returns: the known name that is most like `name`, or that begins with it; `nil` when none is.
    package static func of(_ name: String, among known: [String]) -> String? {
        let length = name.utf8.count
        let reach = min(furthest, length / 2)
        // Names of other lengths are further away than that, and comparing a long one with each name takes seconds.
        let alike = known.filter { abs($0.utf8.count - length) <= reach }.map {
            (name: $0, distance: distance(name, $0))
        }
        if let best = alike.min(by: { $0.distance < $1.distance }), best.distance <= reach { return best.name }
        return length > 1 ? known.first { $0.utf8.starts(with: name.utf8) } : nil
    }

    /// How many letters have to be put in, taken out or replaced to make one name out of the other (Levenshtein).
    private static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other.utf8)
        var row = Array(0...other.count)
        for (i, letter) in one.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, otherLetter) in other.enumerated() {
                let replaced = diagonal + (letter == otherLetter ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
