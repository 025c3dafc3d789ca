/// What a scrape of `/metrics` says: the values of each series, in the text format of Prometheus, version 0.0.4.
public struct Scrape: Sendable, Equatable {
    public struct Series: Sendable, Hashable {
        public var name: String
        public var labels: [String: String]

        public init(_ name: String, _ labels: [String: String] = [:]) {
            (self.name, self.labels) = (name, labels)
        }
    }

    public private(set) var values: [Series: Double] = [:]

    /// Comments, and lines that say nothing of a value, count for nothing.
    public init(parsing text: String) {
        // By byte: a CR and an LF are one character of Swift's.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard line.first != UInt8(ascii: "#"), let (series, value) = Self.sample(Substring(line)) else { continue }
            values[series] = value
        }
    }

    private static func sample(_ line: Substring) -> (Series, Double)? {
        var rest = line.unicodeScalars[...]
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.unicodeScalars.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while let label = label(&rest) { labels[label.name] = label.value }
            guard rest.popFirst() == "}" else { return nil }
        }
        let words = String(rest).split(separator: " ")
        guard !name.isEmpty, let value = words.first.flatMap({ Double($0) }) else { return nil }
        return (Series(name, labels), value)
    }

    /// `name="value"`, with the comma that may follow.
    private static func label(_ rest: inout Substring.UnicodeScalarView) -> (name: String, value: String)? {
        let name = String(rest.prefix { $0 != "=" && $0 != "}" })
        guard !name.isEmpty, rest.dropFirst(name.unicodeScalars.count).starts(with: "=\"".unicodeScalars) else {
            return nil
        }
        rest = rest.dropFirst(name.unicodeScalars.count + 2)
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst(), scalar != "\"" {
            guard scalar == "\\", let escaped = rest.popFirst() else {
                value.append(scalar)
                continue
            }
            value.append(escaped == "n" ? "\n" : escaped)
        }
        if rest.first == "," { rest = rest.dropFirst() }
        return (name, String(value))
    }
}
