/// How one node sees the records of a shared volume: its own entry among the readers is its mount, and those of the others are
/// in nobody's way. So all that deals with the one owner of a volume deals with each reader of a shared one.
public enum NodesView {
    /// - Throws: `VolumeError` with code `unexplained` where a record says that a node has a shared volume mounted as its one owner.
    public static func seen(_ stored: StoredVolume, by node: String) throws(VolumeError) -> StoredVolume {
        guard stored.isShared else { return stored }
        if let mount = stored.attachment?.record {
            throw VolumeError(
                .unexplained, "use volume \(stored.name)",
                why:
                    "it is read-only for any number of nodes, and a record says that node \(mount.owner.node) has it alone",
                remedy: "remove the etcd key mounts/\(stored.name): no node writes it", outcome: .refused)
        }
        var seen = stored
        seen.attachment = stored.readers.flatMap { readers in
            readers.record[node].map { Revisioned($0, revision: readers.revision) }
        }
        return seen
    }

    /// The records themselves, of what a node sees.
    public static func records(_ seen: StoredVolume) -> StoredVolume {
        guard seen.isShared else { return seen }
        var stored = seen
        stored.attachment = nil
        return stored
    }

    /// What a change of what a node sees does to the records.
    public static func change(_ change: StoreChange, of seen: StoredVolume, by node: String) -> StoreChange {
        guard seen.isShared, let volume = seen.volume?.record else { return change }
        var made = change
        made.attachment = .keep
        var readers = seen.readers?.record ?? Readers(volumeUID: volume.uid)
        if readers.volumeUID != volume.uid { readers = Readers(volumeUID: volume.uid) }
        switch change.attachment {
        case .keep: break
        case .put(let mount): readers[node] = mount
        case .delete: readers[node] = nil
        }
        if change.volume == .delete {
            made.readers = seen.readers == nil ? .keep : .delete
        } else if change.attachment != .keep {
            made.readers = readers.mounts.isEmpty ? .delete : .put(readers)
        }
        return made
    }

    /// Whether a change that was decided by `before` is as right by `now`: nothing has changed but what other readers have recorded,
    /// and what is no reader's business.
    public static func isUnmoved(_ change: StoreChange, from before: StoredVolume, to now: StoredVolume) -> Bool {
        guard before.isShared, now.isShared, let (old, new) = both(before, now) else { return false }
        let touchesMountOnly =
            change.volume == .keep && change.desired == .keep && change.request == .keep && change.trash == .keep
        return touchesMountOnly && old.uid == new.uid && old.phase == new.phase && old.imageID == new.imageID
            && old.spec == new.spec && before.attachment?.record == now.attachment?.record
            && before.request?.revision == now.request?.revision
    }

    /// Whether what the change was to make of the node's own mount is recorded: its answer was lost, and another reader has
    /// written since.
    public static func isMade(_ change: StoreChange, in now: StoredVolume) -> Bool {
        guard now.isShared, change.volume == .keep else { return false }
        return switch change.attachment {
        case .keep: false
        case .put(let mount): now.attachment?.record == mount
        case .delete: now.attachment == nil
        }
    }

    private static func both(_ before: StoredVolume, _ now: StoredVolume) -> (VolumeRecord, VolumeRecord)? {
        guard let old = before.volume?.record, let new = now.volume?.record else { return nil }
        return (old, new)
    }
}

extension VolumeRecord {
    /// Whether any number of nodes mount it at once. Its image was made for it alone, out of a snapshot, and is written to no more
    /// once it has the volume's name: each of them maps it read-only.
    public var isShared: Bool { spec.access == .readOnly && clonedFrom != nil }
}

extension StoredVolume {
    public var isShared: Bool { volume?.record.isShared == true }

    /// Where it is mounted, on whichever nodes.
    public var allMounts: [Attachment] { (attachment.map { [$0.record] } ?? []) + readingNodes }

    /// The nodes that have it mounted and read.
    public var readingNodes: [Attachment] { readers?.record.all ?? [] }
}
