import CephStorage
import ClusterStatus
import EtcdState
import PluginConfiguration
import RBDDriver
import VolumeCore

/// One look at the whole: the records in etcd, and whether Ceph answers. Both are asked at once, each within its time.
struct StatusVisit: Sendable {
    private let read: ReadSettings
    private let backends: VisitedBackends
    /// The longest that one request may take.
    private static let limit = Duration.seconds(5)

    init(_ read: ReadSettings) {
        self.read = read
        backends = VisitedBackends(read, limit: Self.limit)
    }

    func close() async { await backends.close() }

    func look() async -> StatusSeen {
        async let ceph = askCeph()
        let (etcd, records) = await readRecords()
        let seen = await ceph
        return StatusSeen(
            now: SystemClock().wallTime(), etcd: etcd, records: records, ceph: seen.backend, fsid: seen.fsid,
            cephErrors: seen.errors)
    }

    // MARK: etcd

    private func readRecords() async -> (StatusSeen.Backend, StatusSeen.Records?) {
        guard let client = backends.etcd, let settings = read.etcd else {
            return (.silent(reason: backends.etcdRefusal), nil)
        }
        let survey = RecordSurvey(client: client, keys: StateKeys(prefix: settings.prefix), timeout: Self.limit * 2)
        let result = await InTime.of(Self.limit * 3) { () async -> Result<RecordSurvey.Records, any Error> in
            do {
                return .success(try await survey.read(node: ""))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case nil: return (.silent(reason: "no answer in time"), nil)
        case .failure(let error): return (.silent(reason: (error as? VolumeError)?.why ?? "\(error)"), nil)
        case .success(let found):
            return (.answers(detail: settings.endpoints.joined(separator: ", ")), Self.records(found))
        }
    }

    private static func records(_ found: RecordSurvey.Records) -> StatusSeen.Records {
        StatusSeen.Records(
            volumes: found.volumes, living: found.living.map(\.asLiving),
            unreadable: found.unreadable.map { .init(key: $0.key, reason: $0.error.why) }, fsid: found.fsid)
    }

    // MARK: Ceph

    private struct CephAnswer: Sendable {
        var backend: StatusSeen.Backend
        var fsid: String?
        var errors: [String] = []
    }

    private func askCeph() async -> CephAnswer {
        guard let connection = backends.ceph else {
            return CephAnswer(backend: .silent(reason: backends.cephRefusal))
        }
        return await InTime.of(Self.limit * 2 + .seconds(2)) { await Self.ask(connection) }
            ?? CephAnswer(backend: .silent(reason: "no answer in time"))
    }

    private static func ask(_ connection: CephConnection) async -> CephAnswer {
        do {
            let fsid = try await connection.identity(timeout: limit).fsid
            let health = try await connection.health(timeout: limit)
            let warnings = health.filter { !$0.isError }.map(\.code)
            let detail =
                health.isEmpty
                ? "healthy" : warnings.isEmpty ? "in error" : "warns of \(warnings.joined(separator: ", "))"
            return CephAnswer(
                backend: .answers(detail: "cluster \(fsid), \(detail)"), fsid: fsid,
                errors: health.filter(\.isError).map { "\($0.code): \($0.message)" })
        } catch {
            return CephAnswer(backend: .silent(reason: CephProbe.reason(error)))
        }
    }
}
