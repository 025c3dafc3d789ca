/// Writes the keyring of the one client that the plugin is.
public enum KeyringRenderer {
    /// The keyring's text. It contains the key: write it to a file that root alone can read, and nowhere else.
    ///
    /// Nil when the settings give no key.
    public static func render(_ ceph: CephClientSettings) -> Secret? {
        guard let key = ceph.key else { return nil }
        let caps = [("mds", ceph.caps.mds), ("mon", ceph.caps.mon), ("osd", ceph.caps.osd)]
        let capsLines = caps.compactMap { daemon, caps in caps.map { "\tcaps \(daemon) = \"\(escaped($0))\"" } }
        let lines = ["[\(ceph.clientName)]", "\tkey = \(key.reveal())"] + capsLines
        return Secret(lines.joined(separator: "\n") + "\n")
    }

    private static func escaped(_ caps: String) -> String {
        String(caps.flatMap { "\\\"".contains($0) ? ["\\", $0] : [$0] })
    }
}
