import DockerVolumeAPI
import Logging
import RBDDriver
import VolumeCore

/// Whether this plugin may touch the volumes: only those of its own Ceph cluster.
struct Readiness: Sendable {
    let cluster: ClusterBinding
    let clock: SystemClock
    /// How long a call may ask.
    let patience: Duration

    /// - Throws: `VolumeError` that says why not.
    func requireCluster() async throws {
        try await Deadline.$current.withValue(clock.now() + patience) { try await cluster.require() }
    }

    /// Whether work in the background may go on.
    var mayTend: Bool { cluster.isBound }

    /// Returns when the plugin may work on volumes, or its task is cancelled.
    func wait(log: Logger) async {
        var said = ""
        while !Task.isCancelled {
            do {
                return try await requireCluster()
            } catch let error as VolumeError where error.code == .conflict && "\(error)" != said {
                said = "\(error)"
                log.error("this plugin does not work", metadata: ["error": "\(error)"])
            } catch {
                log.debug("not ready yet", metadata: ["error": "\(error)"])
            }
            try? await clock.sleep(for: .seconds(2))
        }
    }

    /// What makes the plugin refuse to work, for `/healthz`.
    var troubles: [HealthReport.Component] {
        let detail = "the records below ETCD_PREFIX belong to another Ceph cluster"
        return cluster.isForeign ? [.init(name: "cluster", ok: false, detail: detail)] : []
    }
}
