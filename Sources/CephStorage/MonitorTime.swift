import FoundationEssentials

/// Times as monitors print them: `2036-11-18T08:37:34.565332+0000`.
enum MonitorTime {
    /// Nil for what is no such time. Parts of a second are dropped.
    static func date(_ text: String) -> Date? {
        guard text.count >= 19, let zone = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return nil }
        let seconds = text.prefix(19)
        guard zone >= seconds.endIndex else { return nil }
        let normal = seconds + text[zone...]
        return try? Date(String(normal), strategy: Date.ISO8601FormatStyle(timeZoneSeparator: .omitted))
    }
}
