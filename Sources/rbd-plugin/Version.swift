import CVersion

/// The version of the program, as `--version` shows it and the heartbeat in etcd carries it.
enum Version {
    static let text = String(cString: rbd_plugin_version())
}
