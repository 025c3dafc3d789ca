import Testing

/// Everything that users do with the plugin, done by a real Docker engine on a real Ceph and etcd.
///
/// One after the other: most of it is one engine's, and a daemon that is being restarted serves nobody.
@Suite("Docker engine", .serialized)
enum EngineTests {}
