import FoundationEssentials
import Glibc
import Rig
import Testing

/// A node of a cluster that is being upgraded.
struct VersionedNode: Sendable {
    let plugin: PluginProcess
    /// The version that it has.
    let program: String

    var name: String { plugin.settings.node }
    var client: PluginClient { Stage.client(of: plugin) }

    func start() async throws { try await plugin.start(program: program) }
}

/// Which of the two versions has a volume first.
enum Upgrade: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case fromOldToNew, fromNewToOld

    var testDescription: String {
        switch self {
        case .fromOldToNew: "from the released version to this one"
        case .fromNewToOld: "from this version to the released one"
        }
    }
}

/// Two nodes on one etcd and one Ceph: the stage's has the version that was released last, the other one has this version.
struct MixedCluster: Sendable {
    let stage: Stage
    let old: VersionedNode
    let new: VersionedNode

    static func with(
        settings others: [String: String?] = [:], _ body: (MixedCluster) async throws -> Void
    ) async throws {
        let released = try releasedProgram()
        let settings = others.merging(["MOUNT_WAIT": "1s"]) { $1 }
        try await Stage.with(settings: settings, started: false) { stage in
            let old = VersionedNode(plugin: stage.plugin, program: released)
            try await old.start()
            try await stage.withAnotherNode(settings: settings) { plugin, _ in
                let new = VersionedNode(plugin: plugin, program: try PluginProcess.executable())
                let cluster = MixedCluster(stage: stage, old: old, new: new)
                try await cluster.expectTwoVersions()
                try await body(cluster)
            }
        }
    }

    /// Each node tells in etcd which version it has.
    private func expectTwoVersions() async throws {
        var versions: [String?] = []
        try await eventually("both nodes to be known in etcd, but: \(versions)") {
            versions = []
            for node in [old, new] {
                let record = try await stage.etcd.json(of: "\(stage.prefix)nodes/\(node.name)")
                versions.append(record?["version"]?.string)
            }
            return !versions.contains(nil)
        }
        #expect(versions[0] != versions[1])
    }

    /// The node that has a volume first, and the one that gets it.
    func nodes(_ upgrade: Upgrade) -> (VersionedNode, VersionedNode) {
        switch upgrade {
        case .fromOldToNew: (old, new)
        case .fromNewToOld: (new, old)
        }
    }

    /// The program of the version that was released last.
    static func releasedProgram() throws -> String {
        guard let program = ProcessInfo.processInfo.environment["RBD_PLUGIN_RELEASED"], !program.isEmpty else {
            throw RigFailure(
                "RBD_PLUGIN_RELEASED is not set, so there is no released version to test with. "
                    + "Run `make rolling-upgrade`, which builds it.")
        }
        return program
    }

    /// Lets a node's host die: its plugin, and the processes that carry its data. Returns when Ceph has forgotten their watches.
    func endHost(of node: VersionedNode, with name: String) async throws {
        try await node.plugin.kill()
        for daemon in node.plugin.kernelState.exports { kill(daemon.pid, SIGKILL) }
        try await stage.endHeartbeat(of: node.name)
        let ghosts = GhostWatches(stage.ceph)
        try await eventually("Ceph to forget the dead client's watch", within: .seconds(150)) {
            try await ghosts.exorcise()
            return try await watchers(of: name).isEmpty
        }
    }

    /// Creates a volume, mounts it with a file in it that is safe in Ceph, and returns where it is mounted.
    func mounted(_ name: String, on node: VersionedNode, _ options: [String: String] = [:]) async throws -> String {
        try await node.client.create(name, options: stage.options(["size": "16"].merging(options) { $1 })).checked()
        let mountpoint = try await node.client.mount(name, id: "a").checked().mountpoint
        try write("from before", to: mountpoint + "/file")
        try await runTool("sync", ["--file-system", mountpoint]).checked()
        return mountpoint
    }

    /// The clients that a mount's record names.
    func clients(of name: String) async throws -> [String] {
        try await stage.mountRecord(of: name)?["clients"]?.array.compactMap(\.string) ?? []
    }

    /// The clients that an image names as its writers.
    func writers(of name: String) async throws -> [String] {
        let notes = try await stage.ceph.rbd("image-meta", "list", "--format", "json", stage.image(name))
        let prefix = "rbd-plugin.writer."
        return try JSONValue(parsing: notes).object.keys.filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    func watchers(of name: String) async throws -> [String] {
        try await stage.ceph.watchers(of: name, in: "\(stage.pool)/\(stage.namespace)")
    }
}
