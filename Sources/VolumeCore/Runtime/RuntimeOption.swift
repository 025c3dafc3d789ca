/// What can be set of a volume while it is in use, by the names that `volume set`, policies and `docker volume create -o` have.
public enum RuntimeOption: String, Sendable, Hashable, CaseIterable {
    case iops
    case readIOPS = "read-iops"
    case writeIOPS = "write-iops"
    case bps
    case readBPS = "read-bps"
    case writeBPS = "write-bps"
    case autogrowAt = "autogrow.at"
    case autogrowBy = "autogrow.by"
    case autogrowMax = "autogrow.max"
    case discard
    case snapshots
    case snapshotFrequency = "snapshots.frequency"
    case snapshotKeep = "snapshots.keep"
    case snapshotFreeze = "snapshots.freeze"
    case onRemove = "on-remove"
    case trashKeep = "trash.keep"

    /// - Parameter name: as people write it: `write-iops`, `writeIops`. volplugin's names mean the same:
    ///   `rate-limit.write.iops`, `snapshot.frequency`.
    public init?(name: String) {
        let plain = OptionName.plain(name)
        if let option = Self.allCases.first(where: { OptionName.plain($0.rawValue) == plain }) {
            self = option
        } else if let option = Self.ofVolplugin(name.lowercased()) {
            self = option
        } else {
            return nil
        }
    }

    private static func ofVolplugin(_ name: String) -> RuntimeOption? {
        switch name.split(whereSeparator: { $0 == "." || $0 == "-" }).joined(separator: ".") {
        case "rate.limit.iops": .iops
        case "rate.limit.read.iops": .readIOPS
        case "rate.limit.write.iops": .writeIOPS
        case "rate.limit.bps": .bps
        case "rate.limit.read.bps": .readBPS
        case "rate.limit.write.bps": .writeBPS
        case "snapshot.frequency": .snapshotFrequency
        case "snapshot.keep": .snapshotKeep
        default: nil
        }
    }

    /// Those that bound a volume's reads and writes.
    public static let limits: [RuntimeOption] = [.iops, .readIOPS, .writeIOPS, .bps, .readBPS, .writeBPS]

    /// The word that switches it off, whatever a policy says.
    public var off: String {
        switch self {
        case .discard, .autogrowAt, .snapshots, .snapshotFreeze: "off"
        default: "none"
        }
    }
}
