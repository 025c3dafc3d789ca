import InMemoryPorts
import VolumeCore

/// What must hold of the trash: what it keeps is there and whole until its time is up by Ceph's clock, or somebody restores it or
/// has it deleted.
struct KeptChecks {
    private struct Promise {
        let until: WallTime
        let content: ImageContent
        var snapshots: Set<UInt64>
    }

    /// By image id.
    private var promises: [String: Promise] = [:]
    /// The images whose deletion somebody has asked for, or whose time is up.
    private var released: Set<String> = []

    mutating func noteDeletion(of image: String) { released.insert(image) }

    /// People are about to remove snapshots of their own.
    mutating func forgetSnapshots() {
        for id in promises.keys { promises[id]?.snapshots = [] }
    }

    /// Whether the image may be deleted with all its snapshots.
    func isReleased(_ image: String) -> Bool { released.contains(image) }

    /// - Returns: what does not hold.
    mutating func look(_ world: World) -> [String] {
        let kept = world.ceph.trash.filter { $0.value.keptUntil != nil && $0.value.image.uid != nil }
        guard !kept.isEmpty || !promises.isEmpty else { return [] }
        var broken: [String] = []
        for (id, promise) in promises {
            if world.cephTime >= promise.until { released.insert(id) }
            if released.contains(id) { continue }
            let entry = world.ceph.trash[id]
            let image = entry?.image ?? world.ceph.images.values.first { $0.id == id }
            if let image, entry?.isBeingDeleted != true, image.content == promise.content,
                promise.snapshots.isSubset(of: image.snapshots.map(\.id))
            {
                continue
            }
            broken.append("image \(id) was to be kept until \(promise.until), and it is \(world.cephTime)")
        }
        promises = [:]
        for (id, entry) in kept where !released.contains(id) {
            guard let until = entry.keptUntil else { continue }
            let snapshots = Set(entry.image.listed.filter { !SnapshotChecks.isTemporary($0) }.map(\.id))
            promises[id] = Promise(until: until, content: entry.image.content, snapshots: snapshots)
        }
        return broken
    }
}

extension TrashedEntry {
    /// Until when the plugin is to keep it; `nil` for everything else in the trash.
    var keptUntil: WallTime? {
        TrashedImage(in: reference.trash, id: image.id, named: reference.name)?.keptUntil
    }
}
