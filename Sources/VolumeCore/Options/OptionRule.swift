/// What may follow the name of one option, of mkfs or of mount.
indirect enum OptionRule: Sendable, Hashable {
    /// Nothing: the name says it all.
    case flag
    /// A whole number.
    case number
    /// A number, which may have a sign, a fraction and a unit.
    case amount
    case oneOf([String])
    /// Anything.
    case text
    /// Nothing, or what the rule says.
    case optional(OptionRule)
    /// A list with commas, of options that have names and rules of their own.
    case list([String: OptionRule])
    /// A list with commas, of anything but these.
    case listWithout([String: OptionRule])
    /// What reaches beyond the volume, or makes no volume of it.
    case refused(why: String, remedy: String)
    /// Values that are refused, and what is otherwise true of the option.
    case except([String: OptionRule], OptionRule)
}

/// Why an option cannot be used.
struct OptionFault: Sendable, Hashable {
    /// As the user wrote it.
    var word: String
    /// What is wrong with it: `would stop the whole host`.
    var why: String
    var remedy: String
    /// Whether it is known to reach beyond the volume. Else it is merely not known, or has no sense.
    var reachesBeyond = false
}

extension OptionRule {
    /// - Parameters:
    ///   - name: the option, with its dash if it has one.
    ///   - value: `nil` when none was given.
    /// - Returns: `nil` when it is in order.
    func fault(_ name: String, _ value: String?) -> OptionFault? {
        let word = [name, value].compactMap(\.self).joined(separator: name.hasPrefix("-") ? " " : "=")
        switch self {
        case .refused(let why, let remedy):
            return OptionFault(word: word, why: why, remedy: remedy, reachesBeyond: true)
        case .optional(let rule): return value == nil ? nil : rule.fault(name, value)
        case .flag:
            return value == nil ? nil : OptionFault(word: word, why: "takes no value", remedy: "write '\(name)' alone")
        case .except(let values, let rule):
            return value.flatMap { values[$0]?.fault(name, $0) } ?? rule.fault(name, value)
        case .list(let rules): return parts(name, value) { rules[$0] ?? .unknown }
        case .listWithout(let rules): return parts(name, value) { rules[$0] ?? .optional(.text) }
        case .number, .amount, .oneOf, .text:
            if let value, isGood(value) { return nil }
            return OptionFault(word: word, why: "needs \(wanted)", remedy: "")
        }
    }

    static let otherDevice = OptionRule.refused(
        why: "names a device other than the volume's", remedy: "leave it out: a volume is one image")

    /// The rule of a name that no table has.
    static let unknown = OptionRule.oneOf([])

    private var wanted: String {
        switch self {
        case .number: "a whole number"
        case .amount: "a number"
        case .oneOf(let values): values.isEmpty ? "a known name" : "one of \(values.joined(separator: ", "))"
        default: "a value"
        }
    }

    private func isGood(_ value: String) -> Bool {
        switch self {
        case .number: DecimalNumber<UInt64>(value) != nil
        case .amount: Self.isAmount(value)
        case .oneOf(let values): values.contains(value)
        default: !value.isEmpty
        }
    }

    /// `4096`, `-1024`, `0.5`, `64m`.
    private static func isAmount(_ value: String) -> Bool {
        let number = value.drop { $0 == "-" }
        let digits = number.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = number.dropFirst(digits.count)
        return digits.first?.isNumber == true && unit.count <= 3 && unit.allSatisfy { $0.isASCII && $0.isLetter }
    }

    private func parts(_ name: String, _ value: String?, _ rule: (String) -> OptionRule) -> OptionFault? {
        guard let value, !value.isEmpty else { return OptionFault(word: name, why: "needs a value", remedy: "") }
        for part in value.split(separator: ",") {
            let (key, rest) = Self.divided(part)
            let rule = rule(key)
            guard var fault = rule == .unknown ? OptionFault.unknown(key) : rule.fault(key, rest) else { continue }
            fault.word = "\(name) \(fault.word)"
            return fault
        }
        return nil
    }

    /// `key=value`, or a key alone.
    static func divided(_ word: some StringProtocol) -> (key: String, value: String?) {
        guard let sign = word.firstIndex(of: "=") else { return (String(word), nil) }
        return (String(word[..<sign]), String(word[word.index(after: sign)...]))
    }
}

extension OptionFault {
    static func unknown(_ word: String) -> OptionFault { OptionFault(word: word, why: "is not known", remedy: "") }
}
