import CRados
import Glibc
import VolumeCore

/// The map of the OSDs, as far as it matters to a client of RBD.
public struct ClusterMap: Sendable, Hashable {
    public struct Pool: Sendable, Hashable {
        public var name: String
        /// Such as `nearfull`, `full`, `full_quota`.
        public var flags: Set<String>
        public var applications: Set<String>
        /// Whether its CRUSH rule is of one of the kinds `msr_firstn` and `msr_indep`.
        public var hasMultiStepRule: Bool
    }

    /// Such as `pauserd`.
    public var flags: Set<String>
    /// `require_osd_release`.
    public var requiredRelease: String
    /// `require_min_compat_client`.
    public var oldestClient: String
    /// Placement groups with a primary that `pg-upmap-primary` has set.
    public var upmapPrimaries: Int
    public var pools: [Pool]
    /// The addresses on the blocklist, as Ceph writes them; those of whole hosts among them.
    public var blocklist: [String]
    /// Ranges of addresses on the blocklist.
    public var blockedRanges: [String]
}

/// One line of `ceph health`.
public struct HealthCheck: Sendable, Hashable {
    /// Such as `OSD_DOWN`.
    public var code: String
    public var isError: Bool
    public var message: String
}

extension CephConnection {
    /// Reads the map of the OSDs (`osd dump`) and which CRUSH rules are MSR rules (`osd crush rule dump`). The capability mon
    /// 'profile rbd' suffices.
    public nonisolated func clusterMap(timeout: Duration? = nil) async throws -> ClusterMap {
        let deadline = deadline(timeout)
        let dump = try await monitorQuery(MonitorCommand("osd dump"), as: OSDDump.self, timeout: timeout)
        let left = ContinuousClock.now.duration(to: deadline)
        let rules = try await monitorQuery(MonitorCommand("osd crush rule dump"), as: [CrushRule].self, timeout: left)
        return dump.model(multiStepRules: Set(rules.filter(\.isMultiStep).map(\.rule_id)))
    }

    /// What `ceph health` complains of, muted complaints left out. The capability mon 'profile rbd' suffices.
    public nonisolated func health(timeout: Duration? = nil) async throws -> [HealthCheck] {
        try await monitorQuery(MonitorCommand("health"), as: Health.self, timeout: timeout).model
    }

    /// Finds out whether the user may put clients on the blocklist, or take them off, without doing it: the address is none, and
    /// the monitors look at the capabilities first.
    /// - Throws: ``CephError`` when the monitors give another answer, or none.
    public nonisolated func mayChangeBlocklist(adding: Bool, timeout: Duration? = nil) async throws -> Bool {
        // It has the form that 'profile rbd' asks of an address.
        let command = MonitorCommand(
            "osd blocklist", ["blocklistop": adding ? "add" : "rm", "addr": "rbd-plugin-doctor/0"])
        do {
            _ = try await monitorCommand(command, mutates: false, timeout: timeout)
            return true
        } catch let error as CephError {
            if error.code == EINVAL { return true }
            if error.isDenied { return false }
            throw error
        }
    }

    /// Finds out whether the user may write in a pool and namespace, without writing: an operation that demands an object that is
    /// not there (`rados_write_op_assert_exists`). The OSDs look at the capabilities first. Were the object there, the operation
    /// would leave it as it is.
    /// - Throws: ``CephError`` when the OSDs give another answer, or none.
    public nonisolated func mayWrite(in location: ImageLocation, timeout: Duration? = nil) async throws -> Bool {
        let call = CephCall.reading("rados_write_op_operate", .pool(location.pool))
        return try await withPool(location, call, timeout: timeout) { pool in
            guard let operation = rados_create_write_op() else { throw call.error(ENOMEM) }
            defer { rados_release_write_op(operation) }
            rados_write_op_assert_exists(operation)
            rados_write_op_create(operation, LIBRADOS_CREATE_IDEMPOTENT, nil)
            let code = pool.withUnsafeContext {
                rados_write_op_operate(operation, $0, "rbd-plugin.doctor", nil, 0)
            }
            if code == -EPERM || code == -EACCES { return false }
            if code != -ENOENT { try call.check(code) }
            return true
        }
    }

    /// `ip:port` of every address at which the monitors listen (`mon dump`).
    public nonisolated func monitorAddresses(timeout: Duration? = nil) async throws -> [String] {
        let map = try await monitorQuery(MonitorCommand("mon dump"), as: MonitorMap.self, timeout: timeout)
        return map.addresses("v2") + map.addresses("v1")
    }
}

/// The answer of `osd dump`, as far as it matters here.
struct OSDDump: Decodable, Sendable {
    struct Pool: Decodable {
        let pool_name: String
        let flags_names: String?
        let crush_rule: Int
        let application_metadata: [String: Application]?
    }
    /// What an application has noted there is its own affair.
    struct Application: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    /// Releases before 17 have no such field.
    struct UpmapPrimary: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    let flags: String?
    let require_osd_release: String?
    let require_min_compat_client: String?
    let pools: [Pool]
    let pg_upmap_primaries: [UpmapPrimary]?
    let blocklist: [String: String]?
    let range_blocklist: [String: String]?

    func model(multiStepRules: Set<Int>) -> ClusterMap {
        func words(_ text: String?) -> Set<String> { Set((text ?? "").split(separator: ",").map(String.init)) }
        return ClusterMap(
            flags: words(flags), requiredRelease: require_osd_release ?? "",
            oldestClient: require_min_compat_client ?? "", upmapPrimaries: pg_upmap_primaries?.count ?? 0,
            pools: pools.map { pool in
                ClusterMap.Pool(
                    name: pool.pool_name, flags: words(pool.flags_names),
                    applications: Set((pool.application_metadata ?? [:]).keys),
                    hasMultiStepRule: multiStepRules.contains(pool.crush_rule))
            },
            blocklist: (blocklist ?? [:]).keys.sorted(), blockedRanges: (range_blocklist ?? [:]).keys.sorted())
    }
}

/// One rule of `osd crush rule dump`.
struct CrushRule: Decodable, Sendable {
    let rule_id: Int
    let type: Int

    /// `CRUSH_RULE_TYPE_MSR_FIRSTN` and `CRUSH_RULE_TYPE_MSR_INDEP`.
    var isMultiStep: Bool { type == 4 || type == 5 }
}

/// The answer of `health`.
struct Health: Decodable, Sendable {
    struct Check: Decodable {
        struct Summary: Decodable {
            let message: String
        }
        let severity: String
        let summary: Summary
        let muted: Bool?
    }

    let checks: [String: Check]

    var model: [HealthCheck] {
        checks.filter { $0.value.muted != true }.sorted { $0.key < $1.key }.map { code, check in
            HealthCheck(code: code, isError: check.severity == "HEALTH_ERR", message: check.summary.message)
        }
    }
}
