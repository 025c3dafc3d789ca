import VolumeCore

/// The records as this node sees them (`NodesView`): of a shared volume its own mount alone.
struct NodesRecords: VolumeStore {
    let base: any VolumeStore
    let node: String

    func read(_ name: VolumeName) async throws -> StoredVolume {
        try NodesView.seen(try await base.read(name), by: node)
    }

    /// Other readers write to the same record all the time: what they wrote does not make a change of this node's own mount wrong.
    func commit(_ change: StoreChange, over read: StoredVolume, within quota: QuotaGuard?) async throws -> StoredVolume?
    {
        var before = read
        while true {
            let made = NodesView.change(change, of: before, by: node)
            if let written = try await base.commit(made, over: NodesView.records(before), within: quota) {
                return try NodesView.seen(written, by: node)
            }
            guard before.isShared else { return nil }
            let now = try await self.read(read.name)
            if NodesView.isMade(change, in: now) { return now }
            guard NodesView.isUnmoved(change, from: before, to: now) else { return nil }
            before = now
        }
    }

    func readAtOnce() async throws -> AllVolumes {
        let all = try await base.readAtOnce()
        return AllVolumes(all.volumes.compactMap { try? NodesView.seen($0, by: node) }, revision: all.revision)
    }

    func readAttachments() async throws -> [VolumeName: [Attachment]] { try await base.readAttachments() }
}

/// This node's copy, seen so.
struct NodesCatalog: VolumeCatalog {
    let base: any VolumeCatalog
    let node: String

    func find(_ name: VolumeName) -> StoredVolume? { base.find(name).flatMap(seen) }

    func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept] {
        base.compactMap { seen($0).flatMap(transform) }
    }

    var count: Int { base.count }

    func unsettled() -> [StoredVolume] { base.unsettled().compactMap(seen) }

    func claimed() -> [StoredVolume] { base.claimed().compactMap(seen) }

    var isLoaded: Bool { base.isLoaded }

    func firstReading() async { await base.firstReading() }

    func observe(_ stored: StoredVolume) { base.observe(NodesView.records(stored)) }

    /// What contradicts itself only the store can say what is wrong with.
    private func seen(_ stored: StoredVolume) -> StoredVolume? { try? NodesView.seen(stored, by: node) }
}
