/// The uids of volumes: which incarnation of which records an image belongs to.
///
/// Several installations may share a pool: two Swarms with an etcd each, or two prefixes of one etcd. What one of them finds
/// in the pool and does not know may be the other's. So a uid begins with the home that it comes from, as long as that is
/// known: `HOME-TOKEN`. Uids of versions before this one have no home.
public enum VolumeUID {
    private static let separator: Character = "-"

    /// - Parameter token: unique, without a hyphen.
    public static func make(home: String?, token: String) -> String {
        home.map { $0 + String(separator) + token } ?? token
    }

    /// Whether a volume of that uid can only have been made by the installation of that home, or by an earlier version. What
    /// is another's is not touched, and neither is anybody's while the own home is not known.
    public static func isOurs(_ uid: String, home: String?) -> Bool {
        guard let end = uid.firstIndex(of: separator) else { return true }
        return uid[..<end] == home ?? ""
    }
}
