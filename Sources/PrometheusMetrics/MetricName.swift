/// Names as Prometheus allows them.
enum MetricName {
    /// A metric's name: `[a-zA-Z_:][a-zA-Z0-9_:]*`. Whatever else stands in `raw` becomes `_`.
    static func sanitised(_ raw: String) -> String {
        sanitise(raw) { $0 == UInt8(ascii: ":") }
    }

    /// A label's name: `[a-zA-Z_][a-zA-Z0-9_]*`. `le` belongs to histograms and becomes `exported_le`; leading double
    /// underscores belong to Prometheus and lose one.
    static func sanitisedLabel(_ raw: String) -> String {
        var name = sanitise(raw) { _ in false }
        while name.hasPrefix("__") {
            name.removeFirst()
        }
        return name == "le" ? "exported_le" : name
    }

    private static func sanitise(_ raw: String, alsoAllowed: (UInt8) -> Bool) -> String {
        var bytes = raw.utf8.map { isLetter($0) || isDigit($0) || alsoAllowed($0) ? $0 : UInt8(ascii: "_") }
        if bytes.first.map(isDigit) ?? true {
            bytes.insert(UInt8(ascii: "_"), at: 0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
