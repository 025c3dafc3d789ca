/// How far the schedule of a volume's snapshots has come, as its record says.
public struct ScheduleProgress: Sendable, Hashable {
    public var slots = TakenSlots()
    /// The slot of the snapshot that was taken last.
    public var last: WallTime?
    /// The last owner that the volume had had when that one was taken while nobody had it: before it has another owner, it does
    /// not change.
    public var atRestSince: Epoch?
    /// The owner of the volume that may have frozen its filesystem for a snapshot. Recorded before it does so, until the slot counts
    /// as taken.
    public var freezing: Epoch?
    /// What newer versions have recorded of it.
    private(set) var unknown = UnknownFields()

    public init() {}

    /// With one more slot that counts as taken.
    public func passing(_ slot: WallTime, _ schedule: SnapshotSchedule) -> ScheduleProgress {
        var next = self
        next.slots.insert(slot, interval: schedule.every)
        next.freezing = nil
        return next
    }

    /// With one more slot whose snapshot is there.
    /// - Parameters:
    ///   - all: the snapshots that there are. Their slots count as taken, too: of one this record may not have heard.
    ///   - rest: the last owner the volume had had, when nobody had it meanwhile.
    public func taking(
        _ slot: WallTime, _ schedule: SnapshotSchedule, among all: [VolumeSnapshot] = [], atRestSince rest: Epoch?
    ) -> ScheduleProgress {
        var next = all.compactMap { $0.mark?.slot }.reduce(self) { $0.passing($1, schedule) }
            .passing(slot, schedule)
        next.last = slot
        next.atRestSince = rest
        return next
    }
}

extension ScheduleProgress: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        slots = try fields.field("slots", or: TakenSlots())
        last = try fields.optional("last")
        atRestSince = try fields.optional("atRestSince")
        freezing = try fields.optional("freezing")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try fields.encode(slots, forKey: "slots")
        try fields.encodeIfPresent(last, forKey: "last")
        try fields.encodeIfPresent(atRestSince, forKey: "atRestSince")
        try fields.encodeIfPresent(freezing, forKey: "freezing")
    }
}
