/// Which of the snapshots that are taken by themselves stay.
public enum SnapshotKeep: Sendable, Hashable {
    /// So many of the newest.
    case newest(Int)
    /// The newest one of each of the last so many hours, days, weeks and months that have one.
    case tiers(hours: Int, days: Int, weeks: Int, months: Int)

    public static let standard = SnapshotKeep.newest(20)

    /// As for all snapshots of a volume: every one makes opening the image slower, and the kernel's driver takes no more than 510.
    public static let most = 450

    /// - Parameter count: how many snapshots the volume has.
    /// - Throws: `VolumeError` with code `noSpace` when it can have no more.
    public static func checkRoom(beside count: Int, _ what: String) throws(VolumeError) {
        guard count >= most else { return }
        throw VolumeError(
            .noSpace, what, why: "the volume has \(count) snapshots, and at most \(most) are allowed",
            remedy: "remove some with 'rbd-plugin snapshot rm'", outcome: .refused)
    }

    /// How many stay at most.
    public var count: Int {
        switch self {
        case .newest(let count): count
        case .tiers(let hours, let days, let weeks, let months): hours + days + weeks + months
        }
    }
}

extension SnapshotKeep: CustomStringConvertible {
    /// As people write it: `20`, `24h,7d,4w,12m`.
    public var description: String {
        switch self {
        case .newest(let count): "\(count)"
        case .tiers(let hours, let days, let weeks, let months):
            [(hours, "h"), (days, "d"), (weeks, "w"), (months, "m")].filter { $0.0 > 0 }.map { "\($0)\($1)" }
                .joined(separator: ",")
        }
    }

    /// - Parameter text: in small letters.
    init(_ text: String) throws(UnfitText) {
        if let count = DecimalNumber<UInt16>(text)?.value {
            self = .newest(Int(count))
        } else {
            self = try Self.tiers(text)
        }
        guard (1...Self.most).contains(count) else { throw UnfitText(accepts: Self.accepted) }
    }

    private static func tiers(_ text: String) throws(UnfitText) -> SnapshotKeep {
        var counts: [Character: Int] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = part.drop { $0 == " " }
            guard let unit = word.last, "hdwm".contains(unit), counts[unit] == nil,
                let count = DecimalNumber<UInt16>(word.dropLast())?.value
            else { throw UnfitText(accepts: accepted) }
            counts[unit] = Int(count)
        }
        return .tiers(
            hours: counts["h"] ?? 0, days: counts["d"] ?? 0, weeks: counts["w"] ?? 0, months: counts["m"] ?? 0)
    }

    static let accepted =
        "a number of snapshots to keep from 1 to \(most), such as 20, or how many hourly, daily, weekly and monthly ones,"
        + " such as 24h,7d,4w,12m, \(most) in all; snapshots=off ends the schedule and keeps what there is"
}
