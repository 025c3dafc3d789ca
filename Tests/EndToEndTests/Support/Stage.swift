import Rig
import Testing

/// One test's own corner of the rig: a RADOS namespace for its images, an etcd prefix for its records, and a plugin
/// with a folder of its own.
///
/// Nothing of other tests shows in there, so that what a call has left behind can be told exactly.
struct Stage: Sendable {
    let environment: RigEnvironment
    let plugin: PluginProcess
    let namespace: String

    var ceph: CephRig { CephRig(environment) }
    var etcd: EtcdRig { EtcdRig(environment) }
    var pool: String { environment.pool }
    var prefix: String { plugin.settings.etcdPrefix }

    /// Docker's side. It waits as long as Docker does by default, `docker plugin enable --timeout`: whatever happens,
    /// every call has to be answered before.
    var client: PluginClient { Self.client(of: plugin) }

    static func client(of plugin: PluginProcess) -> PluginClient {
        PluginClient(socket: plugin.socket, within: .seconds(30))
    }

    /// Sets the stage, runs the body, and takes everything back, whatever the body did.
    ///
    /// - Parameters:
    ///   - rig: the shared one unless given.
    ///   - settings: environment variables of the plugin, beside those of the rig.
    ///   - started: `false` leaves the start to the body.
    static func with(
        _ rig: RigEnvironment? = nil, settings: [String: String?] = [:], started: Bool = true,
        _ body: (Stage) async throws -> Void
    ) async throws {
        let environment = try rig ?? RigEnvironment.required()
        try await Crowd.limited {
            let plugin = try PluginProcess(environment, PluginSettings(others: settings))
            let stage = Stage(environment: environment, plugin: plugin, namespace: uniqueName("e2e"))
            do {
                try await stage.ceph.rbd("namespace", "create", "\(environment.pool)/\(stage.namespace)")
                if started { try await plugin.start() }
                try await body(stage)
            } catch {
                let log = plugin.log
                try? await stage.strike()
                throw RigFailure("\(error)\nThe plugin's log ends with:\n\(log.suffix(12000))")
            }
            try await stage.strike()
        }
    }

    /// Another host of the same cluster: its own name, the same records and images.
    func withAnotherNode(
        settings: [String: String?] = [:], _ body: (PluginProcess, PluginClient) async throws -> Void
    ) async throws {
        let other = PluginSettings(etcdPrefix: prefix, others: settings)
        try await PluginProcess.with(environment, other) { try await body($0, Self.client(of: $0)) }
    }

    /// What a Create on this stage has to say besides the options given.
    func options(_ others: [String: String] = [:]) -> [String: String] {
        ["pool": pool, "namespace": namespace, "size": "32"].merging(others) { $1 }
    }

    /// Creates a volume under a name of its own.
    func volume(_ stem: String, _ others: [String: String] = [:]) async throws -> String {
        let name = uniqueName(stem)
        try await client.create(name, options: options(others)).checked()
        return name
    }

    /// An image of the stage as `rbd` names it.
    func image(_ name: String) -> String { "\(pool)/\(namespace)/\(name)" }

    /// Id and name of each image in the trash.
    func trash() async throws -> [String] {
        try await ceph.rbd("trash", "ls", "--pool", pool, "--namespace", namespace).split(separator: "\n").map(
            String.init)
    }

    /// The record of a volume in etcd.
    func record(of volume: String) async throws -> JSONValue? { try await etcd.json(of: "\(prefix)volumes/\(volume)") }

    /// The record of a volume's mount in etcd.
    func mountRecord(of volume: String) async throws -> JSONValue? {
        try await etcd.json(of: "\(prefix)mounts/\(volume)")
    }

    /// Images that are still there go as far as they can: a watcher that was killed holds one for half a minute, and
    /// the rig's end takes the rest.
    private func strike() async throws {
        try await plugin.end()
        for image in try await ceph.images(in: "\(pool)/\(namespace)") {
            _ = try await ceph.run("rbd", ["rm", "--no-progress", self.image(image)])
        }
        _ = try await ceph.run("rbd", ["namespace", "remove", "\(pool)/\(namespace)"])
        _ = try? await etcd.delete(prefix: prefix)
    }
}

/// How many plugins are on stage at a time: more of them than processors only wait for each other.
private enum Crowd {
    private static let places = Places(4)

    static func limited(_ body: () async throws -> Void) async throws {
        await places.take()
        do {
            try await body()
        } catch {
            await places.give()
            throw error
        }
        await places.give()
    }

    private actor Places {
        private var free: Int
        private var waiting: [CheckedContinuation<Void, Never>] = []

        init(_ count: Int) { free = count }

        func take() async {
            guard free == 0 else {
                free -= 1
                return
            }
            await withCheckedContinuation { waiting.append($0) }
        }

        func give() {
            if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
        }
    }
}
