import FoundationEssentials
import Glibc
import Rig

/// The command `rbd-plugin` of a host whose plugin is managed, installed as docs/install.md says.
struct HostCommand: Sendable {
    let engine: any Engine
    /// Where it is, as the first folder of `PATH`.
    let bin: String

    private static let page =
        "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/docs/install.md"
    private static let place = "/usr/local/bin/rbd-plugin"

    /// Does what the page tells people to type, with a folder of the engine's own instead of `/usr/local/bin`.
    init(for plugin: ManagedPlugin) async throws {
        engine = plugin.engine
        bin = "\(engine.scratch.path)/\(uniqueName("bin"))"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        let blocks = try text(of: Self.page).components(separatedBy: "```sh\n").compactMap {
            $0.components(separatedBy: "\n```").first
        }
        guard let block = blocks.first(where: { $0.contains(Self.place) }) else {
            throw RigFailure("docs/install.md does not say how to install the command")
        }
        try await run(block.replacing(Self.place, with: bin + "/rbd-plugin")).checked()
    }

    /// What an operator has in a shell: none of the plugin's settings, and none of the tests'.
    var variables: [String: String?] {
        var variables: [String: String?] = [:]
        for name in ProcessInfo.processInfo.environment.keys
        where ["RBD_", "ETCD", "CEPH", "RIG_", "NODE_NAME", "DOCKER_"].contains(where: name.hasPrefix) {
            variables[name] = .some(nil)
        }
        variables["PATH"] = bin + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin")
        variables["DOCKER_HOST"] = engine.host
        variables["DOCKER_CONFIG"] = engine.scratch.path + "/client"
        return variables
    }

    /// A line as it is typed, in a folder.
    func run(_ line: String, in folder: String = "/", within limit: Duration = .seconds(90)) async throws -> ToolResult
    {
        try await runTool("sh", ["-euc", "cd \"$0\"\n" + line, folder], settings: variables, within: limit)
    }

    /// Starts a line that goes on, as the leader of a session, as a terminal's is.
    func start(_ line: String, log: String) throws -> SpawnedProcess {
        let inherited = ProcessInfo.processInfo.environment.filter { variables[$0.key] == nil }
        let all = inherited.merging(variables.compactMapValues { $0 }) { _, own in own }
        return try SpawnedProcess("/bin/sh", ["-c", "exec " + line], environment: all, log: log)
    }
}
