import DockerVolumeAPI
import EtcdState
import Logging
import RBDDriver
import VolumeCore

/// Whether this plugin may touch the volumes: only those of its own Ceph cluster, and only as the one host of its name.
struct Readiness: Sendable {
    let cluster: ClusterBinding
    let heartbeat: NodeHeartbeat
    let clock: SystemClock
    /// How long a call waits for another boot's lease to run out.
    let patience: Duration
    /// How long a call waits for etcd to say whose the name is.
    let etcdTimeout: Duration

    /// For what takes volumes or changes them.
    /// - Throws: `VolumeError` that says why not.
    func requireWork(_ what: String) async throws {
        try await requireCluster()
        let began = clock.now()
        while true {
            let (standing, waited) = (heartbeat.standing, clock.now() - began)
            switch standing {
            case .mine: return
            case .taken(let other): throw refusal(what, other)
            case .waiting(let other) where waited >= patience: throw waiting(what, for: other)
            case .unknown where waited >= etcdTimeout: throw unknown(what)
            case .waiting, .unknown: try await clock.sleep(for: .milliseconds(50))
            }
        }
    }

    /// For what only lets go of volumes that this boot has.
    func requireCluster() async throws {
        try await Deadline.$current.withValue(clock.now() + patience) { try await cluster.require() }
    }

    /// Whether work in the background may go on.
    var mayTend: Bool { cluster.isBound && heartbeat.hasHeldName }

    /// Returns when the plugin may work on volumes, or its task is cancelled.
    func wait(log: Logger) async {
        var said = ""
        while !Task.isCancelled {
            do {
                return try await requireWork("look after the volumes of this node")
            } catch let error as VolumeError where error.code == .conflict && "\(error)" != said {
                said = "\(error)"
                log.error("this plugin refuses to work", metadata: ["error": "\(error)"])
            } catch {
                log.debug("not ready yet", metadata: ["error": "\(error)"])
            }
            try? await clock.sleep(for: .seconds(2))
        }
    }

    /// What makes the plugin refuse to work, for `/healthz`.
    var troubles: [HealthReport.Component] {
        let detail = "the records below ETCD_PREFIX belong to another Ceph cluster"
        return (cluster.isForeign ? [.init(name: "cluster", ok: false, detail: detail)] : []) + nameTroubles
    }

    private var nameTroubles: [HealthReport.Component] {
        switch heartbeat.standing {
        case .taken(let other): [.init(name: "node", ok: false, detail: "\(refusal("work on volumes", other))")]
        case .waiting(let other):
            [.init(name: "node", ok: false, detail: "\(waiting("work on volumes", for: other))")]
        case .mine, .unknown: []
        }
    }

    private func refusal(_ what: String, _ other: NodeRecord) -> VolumeError {
        VolumeError(
            .conflict, what,
            why: "another host uses the name of this node, \(other.node): boot \(other.boot), version "
                + "\(other.version), running since \(other.since)",
            remedy: "give each host a NODE_NAME of its own", outcome: .refused)
    }

    private func waiting(_ what: String, for other: NodeRecord) -> VolumeError {
        VolumeError(
            .conflict, what,
            why: "the name of this node, \(other.node), is still held by boot \(other.boot), running since "
                + "\(other.since): this host's former boot, or another host",
            remedy: "try again; a former boot loses the name within NODE_TTL", outcome: .refused)
    }

    private func unknown(_ what: String) -> VolumeError {
        VolumeError(
            .unavailable, what,
            why: heartbeat.failure ?? "etcd has not answered yet whether another host has this node's name",
            remedy: "check that etcd answers", outcome: .refused)
    }
}
