/// The readers of the values that can be set at run time, and the one way in which each is written down.
enum RuntimeValues {
    /// The value as the records have it.
    static func canonical(_ option: RuntimeOption, _ text: String) throws(UnfitText) -> String {
        let text = text.lowercased()
        if text == "off" || text == "none" {
            switch option {
            case .autogrowBy, .snapshotKeep, .onRemove, .trashKeep: break
            default: return option.off
            }
        }
        return switch option {
        case .iops, .readIOPS, .writeIOPS: "\(try operations(text))"
        case .bps, .readBPS, .writeBPS: shown(bytes: try bytes(text))
        case .autogrowAt: "\(try fullness(text))%"
        case .autogrowBy: try GrowthStep(text).description
        case .autogrowMax: "\(try ValueReader.size(text))"
        case .discard: try Discard(text).rawValue
        case .snapshots, .snapshotFreeze: try ValueReader.flag(text) ? "on" : option.off
        case .snapshotFrequency: IntervalText.text(try IntervalText.seconds(text))
        case .snapshotKeep: try SnapshotKeep(text).description
        case .onRemove: try OnRemove(text).rawValue
        case .trashKeep: IntervalText.text(try keptFor(text))
        }
    }

    /// Fewer would not let a filesystem write its journal in time.
    static let fewestOperations: UInt64 = 10

    static func operations(_ text: String) throws(UnfitText) -> UInt64 {
        guard let number = DecimalNumber<UInt64>(text)?.value, (fewestOperations...1_000_000_000).contains(number)
        else {
            throw UnfitText(
                accepts:
                    "a number of operations a second from \(fewestOperations) to 1000000000, or 'none' for no limit")
        }
        return number
    }

    /// As for `operations`.
    static let fewestBytes: UInt64 = 64 << 10

    /// Bytes a second: `1048576`, `512K`, `20M`, `1G`, and the same with `B` or `iB`.
    static func bytes(_ text: String) throws(UnfitText) -> UInt64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shift: UInt64? =
            switch text.dropFirst(digits.count) {
            case "": 0
            case "k", "kb", "kib": 10
            case "m", "mb", "mib": 20
            case "g", "gb", "gib": 30
            default: nil
            }
        guard let shift, let count = DecimalNumber<UInt64>(digits)?.value, count <= (1 << 50) >> shift,
            count << shift >= fewestBytes
        else {
            throw UnfitText(
                accepts:
                    "a number of bytes a second from \(fewestBytes >> 10)K, such as 1048576, 512K, 20M or 1G, or 'none'"
                    + " for no limit")
        }
        return count << shift
    }

    private static func shown(bytes: UInt64) -> String {
        for (shift, unit) in [(30, "G"), (20, "M"), (10, "K")] as [(UInt64, String)] where bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    /// In percent.
    static func fullness(_ text: String) throws(UnfitText) -> Int {
        let digits = text.hasSuffix("%") ? text.dropLast() : Substring(text)
        guard let percent = DecimalNumber<UInt8>(digits)?.value, (10...99).contains(percent) else {
            throw UnfitText(accepts: "a fullness from 10% to 99%, or 'off'")
        }
        return Int(percent)
    }

    /// For how long the trash keeps a volume, in seconds.
    static func keptFor(_ text: String) throws(UnfitText) -> Int64 {
        guard let seconds = try? IntervalText.seconds(text) else {
            throw UnfitText(accepts: "a length of time from 5s to 10y, such as 12h, 7d or 4w")
        }
        return seconds
    }

    static let growthSteps = "a percentage from 1% to 1000%, or a size such as 10G"
}
