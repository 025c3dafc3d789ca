/// What can be set for all nodes at once, while their plugins run. Each goes before the setting of the same meaning that a node has
/// of its own.
public enum GlobalOption: String, Sendable, Hashable, CaseIterable {
    case logLevel = "log-level"
    case operationTimeout = "operation-timeout"
    case mountWait = "mount-wait"

    /// - Parameter name: as people write it: `log-level`, `LOG_LEVEL`, `logLevel`.
    public init?(name: String) {
        let plain = OptionName.plain(name)
        guard let option = Self.allCases.first(where: { OptionName.plain($0.rawValue) == plain }) else { return nil }
        self = option
    }

    /// The value in the one way that it is written down.
    func canonical(_ text: String) throws(UnfitText) -> String {
        switch self {
        case .logLevel: try GlobalLogLevel(text).rawValue
        case .operationTimeout: try Self.seconds(text, TimeLimitRange.operation)
        case .mountWait: try Self.seconds(text, TimeLimitRange.mountWait)
        }
    }

    private static func seconds(_ text: String, _ range: ClosedRange<Int>) throws(UnfitText) -> String {
        guard let seconds = seconds(in: text), range.contains(seconds) else {
            throw UnfitText(accepts: "a time from \(range.lowerBound)s to \(range.upperBound)s, such as 25s or 1m")
        }
        return "\(seconds)s"
    }

    /// `25`, `25s`, `1m`.
    static func seconds(in text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = DecimalNumber<UInt16>(digits)?.value else { return nil }
        switch text.dropFirst(digits.count).lowercased() {
        case "", "s": return Int(number)
        case "m": return Int(number) * 60
        default: return nil
        }
    }
}

/// The bounds of time limits, in seconds, for the settings of a node and for those of all nodes.
public enum TimeLimitRange {
    /// Of one call from Docker.
    public static let operation = 5...110
    /// Of a mount's wait for another node.
    public static let mountWait = 0...100
}

/// How much is logged.
public enum GlobalLogLevel: String, Sendable, Hashable, CaseIterable {
    case error, warn, info, debug

    /// The words and numbers that `LOG_LEVEL` takes.
    init(_ text: String) throws(UnfitText) {
        let text = text.lowercased()
        let numbers = ["0": Self.error, "1": .warn, "2": .info, "3": .debug, "warning": .warn]
        guard let level = Self(rawValue: text) ?? numbers[text] else {
            throw UnfitText(accepts: "0 or error, 1 or warn, 2 or info, 3 or debug")
        }
        self = level
    }
}
