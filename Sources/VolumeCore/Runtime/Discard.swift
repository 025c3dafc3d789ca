/// When blocks that a filesystem has freed are given back to Ceph.
public enum Discard: String, Sendable, Hashable, CaseIterable {
    /// Never by itself.
    case off
    /// As soon as files are removed, by the filesystem itself.
    case online
    /// Once a day, or once a week, by fstrim(8).
    case daily, weekly

    init(_ text: String) throws(UnfitText) {
        guard let discard = Discard(rawValue: text) else {
            throw UnfitText(accepts: "one of online, daily, weekly, off")
        }
        self = discard
    }
}
