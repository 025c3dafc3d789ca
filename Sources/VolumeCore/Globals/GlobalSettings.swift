/// What `global` in etcd says: settings of all nodes, which each plugin follows while it runs. What is not set here each node has of
/// its own.
public struct GlobalSettings: Sendable, Hashable {
    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    private var values: [GlobalOption: String] = [:]
    /// What newer versions can set.
    private(set) var unknown = UnknownFields()

    public init() {}

    public subscript(option: GlobalOption) -> String? { values[option] }

    /// Whether nothing is set.
    public var isEmpty: Bool { values.isEmpty && unknown == UnknownFields() }

    /// What is set, in the order of the options.
    public var all: [(option: GlobalOption, value: String)] {
        GlobalOption.allCases.compactMap { option in values[option].map { (option, $0) } }
    }

    /// - Throws: `VolumeError` with code `invalidOption`, which names the option, the value and what is accepted.
    public mutating func set(_ option: GlobalOption, _ text: String) throws(VolumeError) {
        do throws(UnfitText) {
            values[option] = try option.canonical(text)
        } catch {
            throw VolumeError(
                .invalidOption, "use \(option.rawValue)=\(ShownText.shown(text))", why: "it is not \(error.accepts)",
                outcome: .refused)
        }
    }

    /// From now on each node's own setting decides.
    public mutating func unset(_ option: GlobalOption) { values[option] = nil }

    /// The same with what `stored`, which it is to take the place of, says beyond what this version knows.
    public func inPlace(of stored: GlobalSettings) -> GlobalSettings {
        var settings = self
        (settings.stamp, settings.unknown) = (stored.stamp, stored.unknown)
        return settings
    }

    /// How much is logged.
    public var logLevel: GlobalLogLevel? { values[.logLevel].flatMap { try? GlobalLogLevel($0) } }
    /// How long one call from Docker may take.
    public var operationTimeout: Duration? { duration(.operationTimeout) }
    /// How long a mount waits for another node to let go.
    public var mountWait: Duration? { duration(.mountWait) }

    private func duration(_ option: GlobalOption) -> Duration? {
        values[option].flatMap(GlobalOption.seconds(in:)).map { .seconds($0) }
    }
}

extension GlobalSettings: CustomStringConvertible {
    /// `log-level=debug operation-timeout=40s`; `none`.
    public var description: String {
        values.isEmpty ? "none" : all.map { "\($0.option.rawValue)=\($0.value)" }.joined(separator: " ")
    }
}

extension GlobalSettings: CheckedRecord {
    public var keyName: String? { nil }

    public func check() throws(VolumeError) {
        for (option, value) in all {
            var read = GlobalSettings()
            try read.set(option, value)
            guard read[option] == value else {
                throw VolumeError(
                    .invalidOption, "use \(option.rawValue)=\(ShownText.shown(value))",
                    why: "it is not written as the plugin writes it", outcome: .refused)
            }
        }
    }
}

extension GlobalSettings: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        for option in GlobalOption.allCases {
            values[option] = try fields.optional(RecordField(stringValue: option.rawValue))
        }
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try encodeValues(to: &fields)
    }

    fileprivate func encodeValues(to fields: inout KeyedEncodingContainer<RecordField>) throws {
        for (option, value) in all { try fields.encode(value, forKey: RecordField(stringValue: option.rawValue)) }
    }
}

/// Settings of all nodes as people read them: without what belongs to the record.
public struct GlobalDocument: Encodable {
    private let settings: GlobalSettings

    public init(_ settings: GlobalSettings) { self.settings = settings }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try settings.encodeValues(to: &fields)
    }
}
