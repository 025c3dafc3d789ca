/// When a mounted volume is made larger because it is full.
public enum AutogrowRule {
    /// A volume grows by itself at most this often.
    public static let pause = Duration.seconds(60)

    public enum Step: Sendable, Hashable {
        case nothing
        case grow(to: VolumeSize)
        /// It is full, and as large as it may become by itself.
        case fullAtMaximum
    }

    /// - Parameters:
    ///   - size: that the volume has.
    ///   - sinceGrowth: how long ago it has grown last, or was to; `nil` when that is long ago.
    public static func decide(
        _ usage: FilesystemUsage, _ autogrow: Autogrow, size: VolumeSize, sinceGrowth: Duration?
    ) -> Step {
        guard isFuller(usage, than: autogrow.at) else { return .nothing }
        guard size < autogrow.max else { return .fullAtMaximum }
        if let sinceGrowth, sinceGrowth < pause { return .nothing }
        let next = min(autogrow.by.after(size), autogrow.max)
        return next > size ? .grow(to: next) : .nothing
    }

    /// Whether more than that share of its bytes, or of its inodes, is used.
    /// - Parameter percent: of what can be used; what a filesystem keeps for the administrator does not count.
    public static func isFuller(_ usage: FilesystemUsage, than percent: Int) -> Bool {
        isMore(usage.usedBytes, of: usage.usedBytes.addingReportingOverflow(usage.availableBytes).partialValue, percent)
            || isMore(usage.usedInodes, of: usage.totalInodes, percent)
    }

    private static func isMore(_ used: UInt64, of total: UInt64, _ percent: Int) -> Bool {
        guard total > 0 else { return false }
        let left = used.multipliedFullWidth(by: 100)
        let right = total.multipliedFullWidth(by: UInt64(max(0, percent)))
        return (left.high, left.low) > (right.high, right.low)
    }

    /// How long ago the volume has grown last.
    /// - Parameters:
    ///   - now: by the wall clock, which may have been put back since.
    ///   - remembered: how long ago this node has tried to make it larger, by a clock that nobody puts back.
    /// - Returns: `nil` when nobody knows.
    public static func sinceGrowth(
        of volume: VolumeRecord, now: WallTime, remembered: Duration?
    ) -> Duration? {
        [volume.grownAt.map { now - $0 }, remembered].compactMap(\.self).filter { $0 >= .zero }.min()
    }
}
