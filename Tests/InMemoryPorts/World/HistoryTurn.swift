import VolumeCore

/// A change of the records of which people have to be told: a node took a volume from another one, or a volume went.
public struct HistoryTurn: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case takeOver(from: String, by: String)
        case removal(uid: String)
    }

    public let kind: Kind
    public let volume: VolumeName
    /// Of the transaction.
    public let revision: Int64

    init?(from before: StoredVolume, to after: StoredVolume, at revision: Int64) {
        (volume, self.revision) = (before.name, revision)
        if let gone = before.volume?.record, after.volume == nil {
            kind = .removal(uid: gone.uid)
        } else if let one = before.attachment?.record, let other = after.attachment?.record, one.epoch != other.epoch {
            kind = .takeOver(from: (one.fenced?.owner ?? one.owner).node, by: other.owner.node)
        } else {
            return nil
        }
    }
}
