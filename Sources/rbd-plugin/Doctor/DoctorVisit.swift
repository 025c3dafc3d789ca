import Blocking
import CephStorage
import Doctor
import EtcdClient
import EtcdState
import Glibc
import NodeStorage
import PluginConfiguration
import RBDDriver
import VolumeCore

/// One look at this node and all that it depends on. The parts are looked at side by side, each within its time: what does not
/// answer costs its own checks.
struct DoctorVisit: Sendable {
    let read: ReadSettings
    let socket: String
    private let backends: VisitedBackends
    let survey: NodeSurvey
    private let clock = SystemClock()

    /// The longest that one request to a backend may take.
    private static let limit = Duration.seconds(5)
    /// More pools and namespaces are not looked at.
    private static let mostPlaces = 32

    /// - Parameter socket: where a plugin without Docker's plugin system listens.
    init(_ read: ReadSettings, socket: String) {
        self.read = read
        self.socket = socket
        let kernel = KernelCalls(pool: BlockingPool(name: "kernel-call", perLane: 16), clock: clock)
        survey = NodeSurvey(runner: ChildProcess(clock: clock), kernel: kernel)
        backends = VisitedBackends(read, limit: Self.limit)
    }

    var etcd: EtcdClient? { backends.etcd }
    private var ceph: CephConnection? { backends.ceph }
    private var etcdRefusal: String { backends.etcdRefusal }
    private var cephRefusal: String { backends.cephRefusal }

    /// Lets go of the backends, and removes the files.
    func close() async { await backends.close() }

    // MARK: Looking

    /// Looks at everything.
    func examine() async -> Examination {
        async let etcdSeen = lookAtEtcd()
        async let records = readRecords()
        async let cephLook = lookAtCeph()
        async let docker = DockerProbe(survey: survey, socket: socket).look()
        let (cephSeen, map, client) = await cephLook
        async let node = NodeProbe(survey: survey, settings: read).look(client)
        let found = await records
        let places = places(found.success)
        async let images = compareImages(places, found.success, cephSeen)
        var ceph = cephSeen
        if let map, let connection = self.ceph {
            ceph?.places = await CephProbe(connection: connection, limit: Self.limit).look(at: places, in: map)
        }
        var results = [SettingsRule.result(SettingsProbe.look(read))]
        results += await etcdSeen.map(EtcdRule.results) ?? [.etcdMember, .etcdAccess].map { unknown($0, etcdRefusal) }
        results += ceph.map(CephRule.results) ?? [unknown(.ceph, cephRefusal)]
        results += await nodeResults(node, ceph, client)
        results += DockerRule.results(await docker)
        results += recordResults(found, ceph)
        results += await images
        results.append(await blocklist(map, found.success))
        return Examination(results)
    }

    private func unknown(_ check: Check, _ reason: String) -> CheckResult { .unknown(check, because: reason) }

    private func lookAtEtcd() async -> EtcdSeen? {
        guard let etcd, let settings = read.etcd else { return nil }
        return await EtcdProbe(settings: settings, client: etcd, limit: Self.limit).look()
    }

    private var recordsProbe: RecordsProbe? {
        guard let etcd, let settings = read.etcd else { return nil }
        let keys = StateKeys(prefix: settings.prefix)
        return RecordsProbe(survey: RecordSurvey(client: etcd, keys: keys, timeout: Self.limit * 2), node: read.node)
    }

    private func readRecords() async -> Result<RecordSurvey.Records, any Error> {
        guard let probe = recordsProbe else { return .failure(Unread(why: etcdRefusal)) }
        return await InTime.of(Self.limit * 3) { await probe.read() } ?? .failure(Unread(why: "no answer in time"))
    }

    private func lookAtCeph() async -> (CephSeen?, ClusterMap?, KernelClient?) {
        guard let ceph else { return (nil, nil, nil) }
        let (seen, map) = await CephProbe(connection: ceph, limit: Self.limit).look()
        guard case .connected = seen.connection else { return (seen, nil, nil) }
        let client = await InTime.of(Self.limit * 2) { [clock] in try? await ceph.kernelClient(clock: clock) }
        return (seen, map, client ?? nil)
    }

    private func nodeResults(_ node: NodeSeen, _ ceph: CephSeen?, _ client: KernelClient?) -> [CheckResult] {
        let results = NodeRule.results(node)
        guard let ceph else { return results + [unknown(.kernelClient, cephRefusal)] }
        let speaksFirst = client.map { !$0.monitorsV1.isEmpty } ?? true
        return results + [NodeRule.kernelClient(node, ceph, speaksFirstProtocol: speaksFirst)]
    }

    // MARK: Records and images

    private func recordResults(_ found: Result<RecordSurvey.Records, any Error>, _ ceph: CephSeen?) -> [CheckResult] {
        guard let probe = recordsProbe, case .success(let records) = found else {
            let why = found.failure.map { ($0 as? VolumeError)?.why ?? "\($0)" } ?? etcdRefusal
            return [.nodeName, .cluster, .records, .nodes].map { unknown($0, why) }
        }
        return RecordsRule.results(probe.seen(records, fsid: ceph?.fsid))
    }

    /// The pools and namespaces that the records and the settings name.
    private func places(_ records: RecordSurvey.Records?) -> [ImageLocation] {
        var places: Set<ImageLocation> = []
        for case let volume? in (records?.volumes ?? []).map(\.volume?.record.spec) {
            places.insert(ImageLocation(pool: volume.pool, namespace: volume.namespace))
            if !volume.dataPool.isEmpty {
                places.insert(ImageLocation(pool: volume.dataPool, namespace: volume.namespace))
            }
        }
        for pool in [read.volumes?.defaults.pool].compactMap(\.self) + (read.volumes?.limits.pools ?? []) {
            if !places.contains(where: { $0.pool == pool }) { places.insert(ImageLocation(pool: pool)) }
        }
        let sorted = places.sorted { ($0.pool, $0.namespace) < ($1.pool, $1.namespace) }
        return Array(sorted.prefix(Self.mostPlaces))
    }

    private func compareImages(
        _ places: [ImageLocation], _ records: RecordSurvey.Records?, _ seen: CephSeen?
    ) async -> [CheckResult] {
        let checks = [Check.images, .snapshots]
        guard let ceph, let fsid = seen?.fsid else { return checks.map { unknown($0, "Ceph does not answer") } }
        guard let records else { return checks.map { unknown($0, "the records cannot be read") } }
        guard records.fsid == nil || records.fsid == fsid else {
            return checks.map { unknown($0, "the records are another cluster's") }
        }
        let probe = ImagesProbe(
            images: CephImageStore(connection: ceph, clock: clock),
            snapshots: CephSnapshotStore(connection: ceph, clock: clock),
            readAgain: { await readRecords().success }, limit: Self.limit * 2)
        return RecordsRule.results(await probe.look(at: places, records))
    }

    private func blocklist(_ map: ClusterMap?, _ records: RecordSurvey.Records?) async -> CheckResult {
        guard let map else { return unknown(.blocklist, "the map of the OSDs cannot be read") }
        let addresses = await InTime.of(Self.limit) { (try? await survey.addresses()) ?? [] } ?? []
        return RecordsRule.result(
            BlocklistProbe.look(map, addresses: addresses, me: read.node?.identity, records))
    }

    private struct Unread: Error, CustomStringConvertible {
        let why: String
        var description: String { why }
    }
}

extension Result {
    fileprivate var success: Success? { if case .success(let value) = self { value } else { nil } }
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

extension CephSeen {
    /// Of the cluster that answers; `nil` when none does.
    fileprivate var fsid: String? { if case .connected(let fsid) = connection { fsid } else { nil } }
}
