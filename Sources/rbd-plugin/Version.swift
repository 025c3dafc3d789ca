/// The version of the program, as `--version` shows it and the heartbeat in etcd carries it.
enum Version {
    static let text = "5.0.0"
}
