import Synchronization

/// How often this run of the plugin has taken volumes over, and shut former owners out of Ceph.
public struct FenceTotals: Sendable, Hashable {
    /// Volumes that were taken over from another node, and mounted here.
    public var takeOvers = 0
    /// Fences that stood, of take-overs and of what an earlier boot of this node had.
    public var raised = 0
    /// Attempts to raise one that failed.
    public var failed = 0
    /// Clients that were put on the blocklist by them.
    public var clients = 0
}

/// `FenceTotals` that are counted.
final class FenceCounter: Sendable {
    private let counted = Mutex(FenceTotals())

    var totals: FenceTotals { counted.withLock { $0 } }

    func count(_ change: (inout FenceTotals) -> Void) { counted.withLock { change(&$0) } }
}

extension VolumeDriver {
    public var fenceTotals: FenceTotals { fences.totals }
}
