/// Values that hold of a volume while it is in use, and that can be changed meanwhile: those that are set, each in the one way
/// that it is written down. What is not set here may be set at a weaker place, such as the volume's policy.
public struct RuntimeSettings: Sendable, Hashable {
    private var values: [RuntimeOption: String] = [:]
    /// What newer versions can set.
    private(set) var unknown = UnknownFields()

    public init() {}

    public subscript(option: RuntimeOption) -> String? { values[option] }

    /// Whether nothing is set.
    public var isEmpty: Bool { values.isEmpty && unknown == UnknownFields() }

    /// What is set, in the order of the options.
    public var all: [(option: RuntimeOption, value: String)] {
        RuntimeOption.allCases.compactMap { option in values[option].map { (option, $0) } }
    }

    /// - Throws: `VolumeError` with code `invalidOption`, which names the option, the value and what is accepted.
    public mutating func set(_ option: RuntimeOption, _ text: String) throws(VolumeError) {
        do throws(UnfitText) {
            values[option] = try RuntimeValues.canonical(option, text)
        } catch {
            throw VolumeError(
                .invalidOption, "use \(option.rawValue)=\(ShownText.shown(text))", why: "it is not \(error.accepts)",
                outcome: .refused)
        }
    }

    /// From now on a weaker place decides.
    public mutating func unset(_ option: RuntimeOption) { values[option] = nil }

    /// These values but for those options, which are as in `others`.
    public func with(_ options: [RuntimeOption], from others: RuntimeSettings) -> RuntimeSettings {
        var changed = self
        for option in options { changed.values[option] = others.values[option] }
        return changed
    }

    /// The same, with what newer versions have set in `stored`, which it is to take the place of.
    func inPlace(of stored: RuntimeSettings) -> RuntimeSettings {
        var settings = self
        settings.unknown = stored.unknown
        return settings
    }

    /// These values, and where they say nothing those of a weaker place.
    public func over(_ weaker: RuntimeSettings) -> RuntimeSettings {
        var both = self
        both.values.merge(weaker.values) { mine, _ in mine }
        return both
    }
}

extension RuntimeSettings: CustomStringConvertible {
    /// `iops=500 discard=daily`; `none`.
    public var description: String {
        values.isEmpty ? "none" : all.map { "\($0.option.rawValue)=\($0.value)" }.joined(separator: " ")
    }
}

// MARK: - What they mean

extension RuntimeSettings {
    public var limits: IOLimits {
        IOLimits(
            iops: operations(.iops), readIOPS: operations(.readIOPS), writeIOPS: operations(.writeIOPS),
            bps: bytes(.bps), readBPS: bytes(.readBPS), writeBPS: bytes(.writeBPS))
    }

    /// `nil` unless both `autogrow.at` and `autogrow.max` are set: no volume grows by itself without a bound.
    public var autogrow: Autogrow? {
        guard let at = values[.autogrowAt].flatMap({ try? RuntimeValues.fullness($0) }),
            let max = values[.autogrowMax].flatMap({ VolumeSize(parsing: $0) })
        else { return nil }
        let step = values[.autogrowBy].flatMap { try? GrowthStep($0.lowercased()) }
        return Autogrow(at: at, by: step ?? .standard, max: max)
    }

    public var discard: Discard { values[.discard].flatMap { try? Discard($0) } ?? .off }

    /// `nil` unless `snapshots.frequency` is set, and where `snapshots` is off.
    public var schedule: SnapshotSchedule? {
        guard values[.snapshots] != RuntimeOption.snapshots.off,
            let every = values[.snapshotFrequency].flatMap({ try? IntervalText.seconds($0) })
        else { return nil }
        let keep = values[.snapshotKeep].flatMap { try? SnapshotKeep($0) }
        return SnapshotSchedule(
            every: .seconds(every), keep: keep ?? .standard,
            freezes: values[.snapshotFreeze] != RuntimeOption.snapshotFreeze.off)
    }

    /// `nil` where nobody has said it.
    public var onRemove: OnRemove? { values[.onRemove].flatMap { try? OnRemove($0) } }

    /// For how long the trash keeps a removed volume.
    public var trashKeep: Duration {
        .seconds(values[.trashKeep].flatMap { try? RuntimeValues.keptFor($0) } ?? 7 * 86_400)
    }

    private func operations(_ option: RuntimeOption) -> UInt64? {
        values[option].flatMap { try? RuntimeValues.operations($0) }
    }

    private func bytes(_ option: RuntimeOption) -> UInt64? {
        values[option].flatMap { try? RuntimeValues.bytes($0.lowercased()) }
    }

    /// Contradictions between values that are each in order.
    /// - Returns: a sentence; `nil` when they go together.
    public var contradiction: String? {
        for (all, parts) in [
            (RuntimeOption.iops, [RuntimeOption.readIOPS, .writeIOPS]), (.bps, [.readBPS, .writeBPS]),
        ] {
            guard let total = number(all) else { continue }
            for part in parts {
                guard let value = number(part), value > total else { continue }
                return "\(part.rawValue)=\(values[part] ?? "") is more than \(all.rawValue)=\(values[all] ?? ""), which"
                    + " bounds reads and writes together"
            }
        }
        if values[.autogrowAt] != nil, values[.autogrowAt] != RuntimeOption.autogrowAt.off,
            values[.autogrowMax] == nil || values[.autogrowMax] == RuntimeOption.autogrowMax.off
        {
            return "autogrow.at needs autogrow.max: no volume grows by itself without a bound"
        }
        if let snapshots = values[.snapshots], snapshots != RuntimeOption.snapshots.off, schedule == nil {
            return "snapshots=\(snapshots) needs snapshots.frequency, such as 30m"
        }
        return nil
    }

    private func number(_ option: RuntimeOption) -> UInt64? { operations(option) ?? bytes(option) }
}

// MARK: - In records

extension RuntimeSettings: Codable {
    /// An object with a field for each option that is set. Options of newer versions are kept.
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        for option in RuntimeOption.allCases {
            values[option] = try fields.optional(RecordField(stringValue: option.rawValue))
        }
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        for (option, value) in all { try fields.encode(value, forKey: RecordField(stringValue: option.rawValue)) }
    }

    /// - Throws: `VolumeError` for a value that could not have been set.
    func check() throws(VolumeError) {
        for (option, value) in all {
            var read = RuntimeSettings()
            try read.set(option, value)
            guard read[option] == value else {
                throw VolumeError(
                    .invalidOption, "use \(option.rawValue)=\(ShownText.shown(value))",
                    why: "it is not written as the plugin writes this option", outcome: .refused)
            }
        }
    }
}
