/// Work on a volume that somebody asks for and a node does.
public enum RequestedWork: Sendable, Hashable {
    /// Brings the image back to what it was when the snapshot was taken. No node may have the volume meanwhile.
    case rollBack(snapshot: UInt64, name: String)
    /// Takes a snapshot of the mounted volume, with its filesystem frozen for it.
    case snapshot(SnapshotName, token: String)
    /// Gives back what the mounted filesystem does not use.
    case trim
    /// What only newer versions can do. Whether it holds the volume, the volume's own record says (`heldFor`).
    case other(String)

    /// Whether no node may have the volume, nor change anything else of it, before it is done.
    public var holdsVolume: Bool {
        switch self {
        case .rollBack: true
        case .snapshot, .trim, .other: false
        }
    }
}

extension RequestedWork: CustomStringConvertible {
    /// As in "is to be …", and as an operator reads it in a list.
    public var description: String {
        switch self {
        case .rollBack(_, let name): "rolled back to snapshot \(name)"
        case .snapshot(let name, _): "frozen for snapshot \(name)"
        case .trim: "trimmed"
        case .other(let kind): "changed (\(ShownText.quoted(kind)), which only a newer version can do)"
        }
    }
}
