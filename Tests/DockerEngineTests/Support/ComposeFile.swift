import FoundationEssentials
import Rig

/// A user's Compose file with one service, which has one volume at `/data`.
struct ComposeFile {
    let engine: any Engine
    private let path: String

    /// - Parameter volume: the lines below the volume's name, as YAML.
    init(on engine: any Engine, volume: [String]) throws {
        self.engine = engine
        let folder = engine.scratch.path + "/" + uniqueName("compose")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        path = folder + "/docker-compose.yml"
        let lines =
            [
                "version: '3.8'", "services:", "  app:", "    image: \(BusyboxImage.name)", "    network_mode: none",
                "    command: cat /data/file", "    volumes: ['data:/data']", "volumes:", "  data:",
            ] + volume.map { "    " + $0 }
        try write(lines.joined(separator: "\n") + "\n", to: path)
    }

    /// `docker-compose` with this file; for when its failure is what matters.
    func run(_ arguments: String...) async throws -> ToolResult {
        try await runTool(
            "docker-compose", ["--project-name", "project", "--file", path] + arguments,
            settings: ["DOCKER_HOST": engine.host, "DOCKER_CONFIG": engine.scratch.path + "/client"],
            within: .seconds(120))
    }

    /// `up`, until the service has ended, and `down`.
    func upAndDown() async throws -> ToolResult {
        let up = try await run("up", "--no-color", "--abort-on-container-exit", "--exit-code-from", "app")
        _ = try await run("down")
        return up
    }
}
