import CephStorage
import EtcdClient
import Logging
import PluginConfiguration

/// Connections to both backends for a look at what is wrong: each is there if its settings can be used, whatever the other's are.
struct VisitedBackends: Sendable {
    let etcd: EtcdClient?
    private let backend: CephBackend?
    /// Why there is no client of a backend.
    let etcdRefusal: String
    let cephRefusal: String

    var ceph: CephConnection? { backend?.connection }

    /// - Parameter limit: the longest that one request may take.
    init(_ read: ReadSettings, limit: Duration) {
        let silent = Logger(label: "rbd-plugin") { _ in SwiftLogNoOpLogHandler() }
        do {
            etcd = try read.etcd.map {
                try EtcdClient(configuration: EtcdConfiguration($0, limit: limit), logger: silent)
            }
            etcdRefusal = "the settings for etcd cannot be used"
        } catch {
            etcd = nil
            etcdRefusal = "\(error)"
        }
        do {
            backend = try read.ceph.map { try CephBackend($0, below: read.stateDirectory, limit: limit, silent) }
            cephRefusal = "the settings for Ceph cannot be used"
        } catch {
            backend = nil
            cephRefusal = "\(error)"
        }
    }

    /// Lets go of the backends, and removes the files.
    func close() async {
        _ = await InTime.of(.seconds(2)) { [etcd, ceph] in
            await etcd?.shutdown()
            try? await ceph?.close(timeout: .seconds(1))
        }
        backend?.remove()
    }
}
