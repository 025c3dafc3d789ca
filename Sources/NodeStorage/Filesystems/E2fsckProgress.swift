/// What `e2fsck -C 1` says while it works: lines of pass, done, all and device (e2fsck(8)), and its messages among them.
struct E2fsckProgress: Sendable, Hashable {
    /// In the share of time that e2fsck's own bar gives each pass; `nil` before the first line.
    private(set) var percent: Int?
    /// Everything but the progress.
    private(set) var words = ""

    /// At the end of each pass, from e2fsck's source.
    private static let ends = [0, 70, 90, 92, 95, 100]

    init(_ text: String) {
        var said: [Substring] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if let percent = Self.percent(line) { self.percent = percent } else { said.append(line) }
        }
        words = said.joined(separator: "\n")
    }

    private static func percent(_ line: Substring) -> Int? {
        let fields = line.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 4, let pass = Int(fields[0]), (1...5).contains(pass), let done = Int(fields[1]),
            let all = Int(fields[2]), all > 0, (0...all).contains(done)
        else { return nil }
        // Not with whole numbers, which a large filesystem's could overflow.
        return ends[pass - 1] + Int(Double(ends[pass] - ends[pass - 1]) * (Double(done) / Double(all)))
    }
}
