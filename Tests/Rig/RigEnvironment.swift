import FoundationEssentials

/// Where the running rig is: what `rig/up` wrote into the environment of the tests.
public struct RigEnvironment: Sendable {
    /// The rig's own folder; everything it and the tests make lies below it.
    public let folder: String
    /// The folder of the scripts that steer the rig (`ceph`, `etcd`, `sweep`).
    public let scripts: String
    /// For the tests' scratch folders; `rig/down` takes back what they left in the kernel below it.
    public let scratch: String
    /// The Ceph cluster's id.
    public let fsid: String
    /// The monitor's addresses as ceph.conf wants them: `[v2:…,v1:…]`.
    public let monHost: String
    /// The least-privilege client's name, without `client.`.
    public let cephUser: String
    /// A keyring that holds that client's key alone.
    public let cephKeyring: String
    /// A file that holds nothing but that client's key.
    public let cephKeyFile: String
    /// A minimal ceph.conf for that client.
    public let cephConf: String
    /// The same for `client.admin`.
    public let adminConf: String
    /// The etcd members' client URLs.
    public private(set) var etcdEndpoints: [String]
    /// The network namespace that the servers are in, and from which alone they can be reached; nil for this machine's
    /// own.
    public private(set) var namespace: String?

    /// Pools that the least-privilege client may use; volumes go into the first, its data pool is the second.
    public let pool = "rbd"
    public let dataPool = "rbd-data"
    public let otherPool = "other"
    /// A pool that exists and that the least-privilege client may not use.
    public let closedPool = "closed"

    /// Whether all tests use it at once; nobody may disturb its servers then (see ``DisturbableRig``).
    public let isShared: Bool

    /// The rig that the tests were started beside.
    ///
    /// - Throws: ``RigFailure`` when there is none. A test that needs real servers fails then; it is never skipped.
    public static func required() throws -> RigEnvironment {
        try RigEnvironment(variables: ProcessInfo.processInfo.environment, isShared: true)
    }

    /// A rig that the tests brought up for themselves beside the shared one.
    ///
    /// - Parameter folder: its folder.
    public init(of folder: String) throws {
        guard let file = FileManager.default.contents(atPath: folder + "/env") else {
            throw RigFailure("the rig in \(folder) is not up: it has no file `env`")
        }
        try self.init(variables: Self.exports(in: String(decoding: file, as: UTF8.self)), isShared: false)
    }

    /// The lines `export NAME='VALUE'` of a rig's env file.
    private static func exports(in text: String) -> [String: String] {
        var variables: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("export ") {
            let parts = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
            guard let name = parts.first, let quoted = parts.last, parts.count == 2 else { continue }
            variables[String(name)] = String(quoted.dropFirst().dropLast())
        }
        return variables
    }

    /// - Parameter variables: what the rig's env file exports.
    init(variables: [String: String], isShared: Bool) throws {
        func value(_ name: String) throws -> String {
            guard let value = variables[name], !value.isEmpty else {
                throw RigFailure(
                    "\(name) is not set, so there is no Ceph and no etcd to test with. "
                        + "Run `make test` (or `make test FILTER=…`), which brings them up.")
            }
            return value
        }
        folder = try value("RIG_DIR")
        scripts = try value("RIG_BIN")
        scratch = try value("RIG_TMP")
        fsid = try value("RIG_FSID")
        monHost = try value("RIG_MON_HOST")
        cephUser = try value("RIG_CEPH_USER")
        cephKeyring = try value("RIG_CEPH_KEYRING")
        cephKeyFile = try value("RIG_CEPH_KEY_FILE")
        cephConf = try value("CEPH_CONF")
        adminConf = try value("RIG_ADMIN_CONF")
        etcdEndpoints = try value("ETCD_ENDPOINTS").split(separator: ",").map(String.init)
        self.isShared = isShared
    }

    /// The same servers, which can be reached from that network namespace.
    public func inside(_ namespace: String?) -> RigEnvironment {
        var changed = self
        changed.namespace = namespace
        return changed
    }

    /// Runs a tool where the servers can be reached.
    public func run(
        _ tool: String, _ arguments: [String], settings: [String: String?] = [:], within limit: Duration = .seconds(60)
    ) async throws -> ToolResult {
        guard let namespace else { return try await runTool(tool, arguments, settings: settings, within: limit) }
        return try await runTool(
            "nsenter", ["--net=/run/netns/\(namespace)", tool] + arguments, settings: settings, within: limit)
    }

    /// The same Ceph with another etcd, for tests that end or freeze a private ``EtcdServer``.
    public func using(etcd endpoints: [String]) -> RigEnvironment {
        var changed = self
        changed.etcdEndpoints = endpoints
        return changed
    }
}

/// A name that no other test uses, for volumes, images, prefixes and nodes on the shared servers.
///
/// - Parameter stem: what it is for, so that a leftover tells which test made it.
public func uniqueName(_ stem: String) -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 36)
    return "\(stem)-\(digits)"
}
