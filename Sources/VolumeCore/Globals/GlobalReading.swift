/// Settings of all nodes as somebody wrote them down, and what there is to say of the text. Our own keys and volplugin's are read
/// alike.
public struct GlobalReading: Sendable, Hashable {
    public private(set) var settings = GlobalSettings()
    /// In the order of the keys.
    public private(set) var notes: [PolicyNote] = []

    init(_ text: KeptValue) throws(VolumeError) {
        guard case .object(let fields) = text else {
            throw Self.unfit(
                "they are no JSON object",
                remedy: #"write for example {"log-level": "debug", "operation-timeout": "40s"}"#)
        }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) where value != .null {
            if let option = GlobalOption(name: key) {
                try set(option, try Self.text(value, key))
            } else {
                try readForeign(key, value)
            }
        }
    }

    private mutating func set(_ option: GlobalOption, _ text: String) throws(VolumeError) {
        let before = settings[option]
        try settings.set(option, text)
        guard let before, before != settings[option] else { return }
        throw Self.unfit("\(option.rawValue) is given twice with different values", remedy: "give one of them")
    }

    private mutating func note(_ key: String, _ kind: PolicyNote.Kind) { notes.append(.init(key: key, kind: kind)) }
}

// MARK: - volplugin's keys

extension GlobalReading {
    /// All names that there are, for finding the one that was meant.
    private static var names: [String] {
        GlobalOption.allCases.map(\.rawValue) + ["TTL", "Timeout", "Debug", "MountPath"]
    }

    private mutating func readForeign(_ key: String, _ value: KeptValue) throws(VolumeError) {
        switch OptionName.plain(key) {
        case "debug": try readDebug(key, value)
        case "timeout": try readTimeout(key, value)
        case "ttl":
            note(
                key,
                .meaningless(
                    "a plugin takes from its start how long its node counts as alive: set NODE_TTL on each node"))
        case "mountpath":
            note(
                key,
                .meaningless(
                    "each plugin has its mount root from its start: give --mount-root, or mount another folder into the"
                        + " managed plugin"))
        case "schema", "reader", "write": note(key, .meaningless("it belongs to the record in etcd"))
        default:
            let nearest = NearestName.of(key.lowercased(), among: Self.names.map { $0.lowercased() })
                .flatMap { found in Self.names.first { $0.lowercased() == found } }
            throw Self.unfit(
                "they have the key \(ShownText.quoted(key)), which is not known",
                remedy: (nearest.map { "did you mean '\($0)'? " } ?? "")
                    + "known are \(Self.names.joined(separator: ", "))")
        }
    }

    private mutating func readDebug(_ key: String, _ value: KeptValue) throws(VolumeError) {
        switch try Self.text(value, key).lowercased() {
        case "true":
            try set(.logLevel, GlobalLogLevel.debug.rawValue)
            note(key, .translated(to: "log-level=debug"))
        case "false": note(key, .meaningless("without it each node logs as its LOG_LEVEL says"))
        default: throw Self.unfit("\(ShownText.quoted(key)) is neither true nor false")
        }
    }

    /// volplugin's is in minutes, and for commands that may take long. Here it is for calls that Docker waits for.
    private mutating func readTimeout(_ key: String, _ value: KeptValue) throws(VolumeError) {
        let text = try Self.text(value, key)
        guard let minutes = DecimalNumber<UInt16>(Substring(text))?.value else {
            throw Self.unfit("\(ShownText.quoted(key)) is \(ShownText.quoted(text)), not a number of minutes")
        }
        let seconds = Int(minutes) * 60
        guard TimeLimitRange.operation.contains(seconds) else {
            return note(
                key,
                .meaningless(
                    "it is in minutes, and a call from Docker may take \(TimeLimitRange.operation.upperBound) s at most;"
                        + " operation-timeout takes seconds"))
        }
        try set(.operationTimeout, "\(seconds)s")
        note(key, .translated(to: "operation-timeout=\(seconds)s"))
    }

    private static func text(_ value: KeptValue, _ key: String) throws(VolumeError) -> String {
        switch value {
        case .text(let text): return text
        case .bool(let bool): return "\(bool)"
        case .integer(let number): return "\(number)"
        case .unsigned(let number): return "\(number)"
        case .null, .number, .array, .object:
            throw unfit("\(ShownText.quoted(key)) is neither a text nor a whole number")
        }
    }

    private static func unfit(_ why: String, remedy: String = "") -> VolumeError {
        VolumeError(.invalidOption, "use the settings", why: why, remedy: remedy, outcome: .refused)
    }
}

extension GlobalReading: Decodable {
    /// - Throws: `VolumeError` with code `invalidOption` for a key that is not known and a value that cannot be.
    public init(from decoder: any Decoder) throws { try self.init(KeptValue(from: decoder)) }
}
