import InMemoryPorts
import VolumeCore

/// What must hold of snapshots: a slot is taken once, and nobody but who took a snapshot takes it away.
struct SnapshotChecks {
    private struct Slot: Hashable {
        let image: String
        let slot: WallTime
    }

    /// All snapshots that there were when it was looked last, by their number.
    private var known: [UInt64: VolumeSnapshot] = [:]
    /// The image of each.
    private var images: [UInt64: String] = [:]
    /// The snapshot of each slot; `nil` where a request from before it was still under way: that comes when it likes.
    private var taken: [Slot: UInt64?] = [:]

    mutating func forget() { known = [:] }

    /// Whether the plugin has taken it for a moment: to ask Ceph what time it is, or to make a clone.
    static func isTemporary(_ snapshot: VolumeSnapshot) -> Bool {
        snapshot.name == "rbd-plugin.trash-clock" || CloneRule.isOfNow(snapshot)
    }

    /// - Parameters:
    ///   - takesUnderWay: the requests for a snapshot that may still take effect.
    ///   - mayGo: whether an image may be deleted with all its snapshots.
    /// - Returns: what does not hold.
    mutating func look(
        _ world: World, _ takesUnderWay: Set<String>, mayGo: (String) -> Bool
    ) -> [(Violation.Invariant, String)] {
        let present = Array(world.ceph.images.values) + world.ceph.trash.values.map(\.image)
        guard !known.isEmpty || present.contains(where: { !$0.snapshots.isEmpty }) else { return [] }
        var found: [(Violation.Invariant, String)] = []
        var now: [UInt64: VolumeSnapshot] = [:]
        for image in present {
            for snapshot in image.listed {
                now[snapshot.id] = snapshot
                guard let slot = snapshot.mark?.slot else { continue }
                let key = Slot(image: image.id, slot: slot)
                if let before = taken[key] {
                    guard let before, before != snapshot.id else { continue }
                    found.append((.slotsAreTakenOnce, "\(snapshot.name) of image \(image.id) was taken before"))
                } else {
                    let isClear = !takesUnderWay.contains { $0.hasSuffix("@\(snapshot.name)") }
                    taken.updateValue(isClear ? snapshot.id : nil, forKey: key)
                }
            }
        }
        for (id, snapshot) in known where now[id] == nil && !snapshot.isScheduledAndFree {
            if Self.isTemporary(snapshot) || images[id].map(mayGo) == true { continue }
            let what =
                "snapshot \(snapshot.name), which is \(snapshot.kind)\(snapshot.mark?.isHeld == true ? " and held" : "")"
            found.append((snapshot.kind == .foreign ? .foreignUntouched : .snapshotsAreKept, "\(what), was removed"))
        }
        for image in world.ceph.images.values {
            let gone = known.values.filter { $0.kind == .scheduled && now[$0.id] == nil && images[$0.id] == image.id }
            let left = image.snapshots.count { $0.mark?.slot != nil }
            guard !gone.isEmpty, left < Setup.snapshotsKept else { continue }
            found.append(
                (.snapshotsAreKept, "image \(image.id) has \(left) snapshots left that were taken by schedule"))
        }
        for image in present { for snapshot in image.snapshots { images[snapshot.id] = image.id } }
        known = now
        return found
    }
}
