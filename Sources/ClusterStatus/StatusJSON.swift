/// `rbd-plugin status --json`. Fields are added, and none is renamed or given another meaning without a new `schema`.
public struct StatusJSON: Encodable {
    private struct Backend: Encodable {
        let answers: Bool
        let detail: String

        init(_ backend: StatusSeen.Backend) {
            switch backend {
            case .answers(let said): (answers, detail) = (true, said)
            case .silent(let reason): (answers, detail) = (false, reason)
            }
        }
    }

    private let schema = 1
    private let version: String
    private let well: Bool
    private let etcd: Backend
    private let ceph: Backend
    private let nodes: [NodeRow]?
    private let volumes: ClusterStatus.Volumes?
    private let unfinished: [Unfinished]?
    private let troubles: [Trouble]

    /// - Parameters:
    ///   - version: of the program.
    ///   - onlyTroubles: whether all else is left out.
    public init(_ status: ClusterStatus, version: String, onlyTroubles: Bool) {
        self.version = version
        well = status.isWell
        (etcd, ceph) = (Backend(status.etcd), Backend(status.ceph))
        nodes = onlyTroubles ? nil : status.nodes
        volumes = onlyTroubles ? nil : status.volumes
        unfinished = onlyTroubles ? nil : status.unfinished
        troubles = status.troubles
    }
}
