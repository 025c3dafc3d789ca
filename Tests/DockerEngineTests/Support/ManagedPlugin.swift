import Rig

/// The managed plugin in an engine, by the name that users give to volumes as their driver.
struct ManagedPlugin: Sendable {
    let engine: any Engine
    let name: String
    /// Where its records are in etcd.
    let prefix: String
    let node: String

    var environment: RigEnvironment { engine.environment }

    init(
        _ name: String, in engine: any Engine, prefix: String = uniqueName("docker") + "/",
        node: String = uniqueName("engine")
    ) {
        self.engine = engine
        self.name = name
        self.prefix = prefix
        self.node = node
    }

    /// What connects it to the rig: as a user would say it to `docker plugin set` or `install`.
    var settings: [String] {
        get throws {
            engine.sources + engine.settings + [
                "ETCD_ENDPOINTS=\(environment.etcdEndpoints.joined(separator: ","))",
                "ETCD_PREFIX=\(prefix)",
                "RBD_CONF_GLOBAL_MON_HOST=\(environment.monHost)",
                "RBD_CONF_KEYRING_USER=\(environment.cephUser)",
                "RBD_CONF_KEYRING_KEY=\(try text(of: environment.cephKeyFile).filter { !$0.isWhitespace })",
                "NODE_NAME=\(node)",
                "LOG_LEVEL=debug",
            ]
        }
    }

    /// `docker plugin create`, `set` and `enable`.
    func create(from package: PluginPackage) async throws {
        try await engine.docker("plugin", "create", name, package.folder)
        try await set(try settings)
        try await enable()
    }

    func set(_ settings: [String]) async throws {
        try await engine.run(["plugin", "set", name] + settings).checked()
    }

    func enable() async throws {
        // Docker gives up on each call after the time that is set here.
        let limit = max(30, engine.patience.components.seconds)
        let result = try await engine.run(["plugin", "enable", "--timeout", "\(limit)", name])
        guard result.succeeded else {
            throw RigFailure("\(result.error)\nThe daemon's log:\n\(engine.log.suffix(4000))")
        }
    }

    /// What it has written, as the daemon's log has it.
    var log: String {
        get async throws {
            let id = try await id
            return engine.log.split(separator: "\n").filter { $0.contains("plugin=\(id)") }.joined(separator: "\n")
        }
    }

    var id: String {
        get async throws { try await engine.docker("plugin", "inspect", "--format", "{{.Id}}", name) }
    }

    /// `Plugin.Activate` and all other calls can be made by hand as well.
    var client: PluginClient {
        get async throws { PluginClient(socket: "/run/docker/plugins/\(try await id)/rbd.sock") }
    }

    /// The keys of its volumes and mounts in etcd, without the prefix.
    func records() async throws -> [String] {
        try await EtcdRig(environment).keys(prefix).map { String($0.dropFirst(prefix.count)) }
            .filter { !$0.hasPrefix("nodes/") && $0 != "cluster" }
    }

    /// The record of a volume's mount in etcd.
    func mountRecord(of volume: String) async throws -> JSONValue? {
        try await EtcdRig(environment).json(of: "\(prefix)mounts/\(volume)")
    }
}
