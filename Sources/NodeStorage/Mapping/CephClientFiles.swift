import VolumeCore

/// What the tools of Ceph need to reach the cluster as a certain user. Only paths: keys stay in the files.
///
/// Do not let the file set `rados_osd_op_timeout`: a mapped device has to wait for Ceph to come back, where an I/O error
/// would turn the filesystem read-only.
public struct CephClientFiles: Sendable, Hashable {
    public var confPath: String
    /// Without `client.`
    public var user: String
    /// The keyring, when it is not the one that the configuration names.
    public var keyringPath: String?

    public init(confPath: String, user: String, keyringPath: String? = nil) {
        self.confPath = confPath
        self.user = user
        self.keyringPath = keyringPath
    }

    /// For `rbd` and `rbd-nbd`.
    var arguments: [String] {
        ["--conf", confPath, "--id", user] + (keyringPath.map { ["--keyring", $0] } ?? [])
    }

    /// For programs that only know librados' environment: `CEPH_KEYRING` wins over the configuration.
    var environment: [String: String] { keyringPath.map { ["CEPH_KEYRING": $0] } ?? [:] }
}

extension ImageReference {
    /// For `rbd` and `rbd-nbd`: separate options, since a name with a blank or a leading dash is safe only there.
    var arguments: [String] {
        ["--pool", pool] + (namespace.isEmpty ? [] : ["--namespace", namespace]) + ["--image", name]
    }
}
