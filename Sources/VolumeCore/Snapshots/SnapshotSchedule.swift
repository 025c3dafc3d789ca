/// How often snapshots of a volume are taken by themselves, and which of them stay.
public struct SnapshotSchedule: Sendable, Hashable {
    /// In whole seconds.
    public var every: Duration
    public var keep: SnapshotKeep
    /// Whether the filesystem of a mounted volume is frozen for them.
    public var freezes: Bool

    public init(every: Duration, keep: SnapshotKeep = .standard, freezes: Bool = true) {
        self.every = every
        self.keep = keep
        self.freezes = freezes
    }

    /// The length of the interval, at least a second.
    var seconds: Int64 { max(1, every.components.seconds) }
}
