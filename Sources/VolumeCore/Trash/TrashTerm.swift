/// Until when a removed volume is kept in the trash, and who put it there.
public struct TrashTerm: Sendable, Hashable, Codable {
    /// The node that the removal was asked of.
    public var by: String
    /// When that was, by that node's clock.
    public var at: WallTime
    /// Nobody deletes it before that by himself.
    public var until: WallTime
    /// Absent in records of volumes on their way into the trash.
    private var returning: Bool?

    /// Whether the volume is on its way out of the trash again: no removal gets in between.
    public var isReturning: Bool {
        get { returning == true }
        set { returning = newValue ? true : nil }
    }

    public init(by: String, at: WallTime, until: WallTime) {
        self.by = by
        self.at = at
        self.until = until
    }
}
