import VolumeCore

/// How images become block devices.
public struct DeviceSettings: Sendable, Equatable {
    /// `nil` for the first that works.
    public var mapper: MapperKind?
    /// Options for mapping every volume, each `name` or `name=value`.
    public var mapOptions: [String]
    /// Options for mounting every volume.
    public var mountOptions: [String]
    /// Accepted for compatibility; nothing depends on it.
    public var deviceRoot: String
}

extension DeviceSettings {
    init?(from reader: inout SettingsReader) {
        let mapper = reader.value(.mapper, Self.mapper)
        let mapOptions = reader.value(.mapOptions, Self.options)
        let mountOptions = reader.value(.mountOptions, Self.mountOptions)
        let deviceRoot = reader.value(.mapDeviceRoot, Text.absolutePath)
        guard let mapper, let deviceRoot else { return nil }
        self.init(
            mapper: mapper, mapOptions: mapOptions ?? [], mountOptions: mountOptions ?? [], deviceRoot: deviceRoot)
    }

    private static func mapper(_ text: String) throws(Refusal) -> MapperKind? {
        let first = "auto"
        if text.lowercased() == first { return nil }
        guard let kind = MapperKind(rawValue: text.lowercased()) else {
            let known = [first] + MapperKind.allCases.map(\.rawValue)
            throw Refusal("it must be one of \(known.joined(separator: ", "))")
        }
        return kind
    }

    private static func options(_ text: String) throws(Refusal) -> [String] {
        let options = Text.commaSeparated(text)
        guard options.allSatisfy({ isOption($0) }) else {
            throw Refusal("it must be options separated by commas, each NAME or NAME=VALUE without blanks")
        }
        return options
    }

    /// Those that an operator may want to be a rule, and that mean the same with every filesystem.
    private static func mountOptions(_ text: String) throws(Refusal) -> [String] {
        let options = Text.commaSeparated(text)
        guard options.allSatisfy({ flags.contains($0) || isContext($0) }) else {
            throw Refusal(
                "it must consist of \(flags.joined(separator: ", ")) and \(contexts.map { "\($0)=…" }.joined(separator: ", "))"
            )
        }
        return options
    }

    private static let flags = ["nosuid", "nodev", "noexec", "nosymfollow"]
    private static let contexts = ["context", "fscontext", "defcontext", "rootcontext"]

    private static func isContext(_ option: String) -> Bool {
        let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 && contexts.contains(parts[0]) && Text.consists(parts[1], ofLettersDigitsAnd: ":_.-")
    }

    private static func isOption(_ text: String) -> Bool {
        guard let first = text.first, first.isASCII, first.isLetter else { return false }
        return text.allSatisfy { $0.isASCII && !Text.isBlank($0) }
    }
}
