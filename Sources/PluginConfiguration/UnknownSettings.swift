/// Finds variables that look like ours and are not: most often a slip of the hand.
enum UnknownSettings {
    /// How many letters a slip of the hand changes at most.
    private static let furthest = 3
    private static let prefixes = ["RBD_", "ETCD_", "CEPH_CONF"]

    /// One sentence for each, in the order of the names. Only names are shown: a value might be a secret.
    static func warnings(about environment: [String: String]) -> [String] {
        environment.filter { !$0.value.isEmpty && isUnknown($0.key) }.keys.sorted().map { name in
            guard let likely = closest(to: name) else { return "\(name) is not a setting of this plugin." }
            return "\(name) is not a setting of this plugin. Was \(likely) meant?"
        }
    }

    private static func isUnknown(_ name: String) -> Bool {
        prefixes.contains(where: name.hasPrefix) && Setting(rawValue: name) == nil
            && CephConfLine.place(ofSetting: name) == nil
    }

    private static func closest(to name: String) -> String? {
        // Names of other lengths are further away than that, and comparing a long one with each setting takes seconds.
        let alike = Setting.allCases.map(\.name).filter { abs($0.utf8.count - name.utf8.count) <= furthest }
        let candidates = alike.map { (name: $0, distance: distance(name, $0)) }
        return candidates.min { $0.distance < $1.distance }.flatMap { $0.distance <= furthest ? $0.name : nil }
    }

    /// How many letters have to be put in, taken out or replaced to make one name out of the other (Levenshtein).
    static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (i, letter) in one.enumerated() {
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
