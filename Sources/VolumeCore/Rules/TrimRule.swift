/// When the blocks that a volume does not use are given back on a schedule.
///
/// Each volume has a moment of the day or of the week of its own, in UTC: so not all are trimmed at once. A moment that was missed
/// is made up for once.
public enum TrimRule {
    /// What is known of a volume's trims.
    public struct History: Sendable, Hashable {
        /// When it was trimmed last, as its record says; whoever wrote that may have had another clock.
        public var recorded: WallTime?
        /// How long ago this run of the plugin has trimmed it, by a clock that nobody puts back.
        public var sinceTrim: Duration?
        /// For how long this run of the plugin has known that it is to be trimmed, by that clock.
        public var watched: Duration

        public init(recorded: WallTime?, sinceTrim: Duration?, watched: Duration) {
            self.recorded = recorded
            self.sinceTrim = sinceTrim
            self.watched = watched
        }
    }

    /// - Parameters:
    ///   - now: by the wall clock.
    ///   - uid: the volume's, which decides on its moment.
    public static func isDue(now: WallTime, _ history: History, _ discard: Discard, uid: String) -> Bool {
        guard let period = period(of: discard) else { return false }
        let slot = latestSlot(before: now, period, uid)
        let half = Duration.seconds(period / 2)
        if let sinceTrim = history.sinceTrim {
            // Whatever the wall clock has done meanwhile.
            return sinceTrim >= half && now - slot <= sinceTrim - half
        }
        guard let recorded = history.recorded else { return now - slot < history.watched }
        if recorded <= now { return slot >= recorded + half }
        // One of the two clocks was wrong: the next moment that is seen to come counts.
        return history.watched >= half && now - slot < history.watched
    }

    private static func period(of discard: Discard) -> Int64? {
        switch discard {
        case .off, .online: nil
        case .daily: 86_400
        case .weekly: 7 * 86_400
        }
    }

    private static func latestSlot(before now: WallTime, _ period: Int64, _ uid: String) -> WallTime {
        let since = (now.seconds - offset(of: uid, period)) % period
        return WallTime(seconds: now.seconds - (since < 0 ? since + period : since))
    }

    /// Where in the period the volume's moment is: FNV-1a of its uid.
    static func offset(of uid: String, _ period: Int64) -> Int64 {
        let hash = uid.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int64(hash % UInt64(period))
    }
}
