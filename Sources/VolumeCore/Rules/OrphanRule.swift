/// What becomes of images that bear the name of an unfinished one.
public enum OrphanRule {
    /// Whether an unfinished image is nobody's and may be removed.
    ///
    /// An image under such a name has never been a ready volume, so it never holds anybody's data; at worst a Create is
    /// disturbed that has been under way for all that time. No Create takes as long.
    /// - Parameters:
    ///   - uid: of the volume that it was to become.
    ///   - known: the uids of all volumes that are recorded. They see to their unfinished images themselves.
    ///   - seen: for how long this run of the plugin has seen it.
    public static func isOrphan(uid: String, known: Set<String>, seen: Duration, age: Duration) -> Bool {
        !known.contains(uid) && seen >= age
    }
}
