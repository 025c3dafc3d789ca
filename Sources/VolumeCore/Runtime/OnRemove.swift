/// What becomes of a volume's image when the volume is removed.
public enum OnRemove: String, Sendable, Hashable, CaseIterable {
    /// Its data is deleted. Refused while it has snapshots.
    case delete
    /// It is kept in Ceph's trash for a while, with all that the volume was: it can be restored.
    case trash
    /// It stays as it is, under its name, and is no volume any more.
    case keep

    init(_ text: String) throws(UnfitText) {
        guard let choice = OnRemove(rawValue: text) else { throw UnfitText(accepts: "one of delete, trash, keep") }
        self = choice
    }
}
