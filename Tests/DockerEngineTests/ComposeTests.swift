import FoundationEssentials
import Rig
import Testing

extension EngineTests {
    /// docker-compose.test.yml, as its first lines say to use it.
    @Suite("Compose")
    struct ComposeTests {
        @Test("docker-compose.test.yml brings up Ceph, etcd and the plugin in containers, for volumes of that host")
        func main() async throws {
            try await ComposeProject.with { project in
                try await project.compose("up", "--build", "--detach")
                let plugin = ManagedPlugin("rbd", in: project.engine)
                let docker = project.engine
                try await eventually("the plugin's container to be healthy", within: .seconds(60)) {
                    try await docker.docker("ps", "--filter", "health=healthy", "--format", "{{.Image}}")
                        .split(separator: "\n").count == 3
                }
                try await docker.docker(
                    "volume", "create", "--driver", "rbd", "--opt", "pool=rbd", "--opt", "size=206", "demo")
                let inspected = try JSONValue(parsing: try await docker.docker("volume", "inspect", "demo")).array
                #expect(inspected.first?["Status"]?["size"] == "206M")
                try await plugin.run("echo hello >/data/file", on: "demo")
                #expect(try await plugin.run("cat /data/file; df /data | grep -c ^/dev/", on: "demo") == "hello\n1")

                try await docker.docker("volume", "rm", "demo")
                try await project.compose("down", "--volumes")
                #expect(try await docker.docker("ps", "--all", "--quiet") == "")
                #expect(try await docker.docker("volume", "ls", "--quiet") == "")
            }
        }
    }
}

/// The project's folder as far as the images need it, with the program that was built for the tests, and an engine that
/// has the image which the Dockerfile starts from.
private struct ComposeProject {
    let engine: DockerEngine
    private let folder: String

    /// All of it in a network namespace, and with folders /run/docker and /mnt of its own: this machine's Docker must
    /// not find the plugin.
    static func with(_ body: (ComposeProject) async throws -> Void) async throws {
        let environment = try RigEnvironment.required()
        let stem = environment.folder.split(separator: ".").last ?? ""
        // What `rig/down` knows the namespace by.
        let namespace = "\(stem)-compose"
        try await runTool("ip", ["netns", "add", namespace]).checked()
        do {
            try await runTool("ip", ["-n", namespace, "link", "set", "lo", "up"]).checked()
            let engine = try DockerEngine(environment)
            do {
                try await engine.start(in: namespace, ownFolders: true)
                try await BusyboxImage.load(into: engine)
                let project = ComposeProject(engine: engine, folder: engine.scratch.path + "/project")
                try await project.prepare(environment)
                try await body(project)
                try await engine.stop()
            } catch {
                let log = engine.log
                try? await engine.end()
                throw RigFailure("\(error)\nThe daemon's log ends with:\n\(log.suffix(8000))")
            }
            try await engine.end()
        } catch {
            await remove(namespace)
            throw error
        }
        await remove(namespace)
    }

    private static func remove(_ namespace: String) async {
        await Task { _ = try? await runTool("ip", ["netns", "delete", namespace]) }.value
    }

    /// The base image, to which the libraries of Swift's runtime are added: a debug build has them outside of itself.
    private func prepare(_ environment: RigEnvironment) async throws {
        let source = environment.scripts + "/.."
        let base = try await runTool(environment.scripts + "/compose/base", [], within: .seconds(400)).checked().output
        let archive = base.split(separator: "\n").first.map(String.init) ?? ""
        try await engine.run(["import", archive, "debian:base"], within: .seconds(180)).checked()
        let program = try PluginProcess.executable()
        try await PluginPackage.copyRuntime(of: program, to: folder + "/base/lib")
        try write("FROM debian:base\nCOPY lib /usr/local/lib/\nRUN ldconfig\n", to: folder + "/base/Dockerfile")
        try await engine.run(["build", "--tag", "debian:12-slim", folder + "/base"]).checked()

        let built = folder + "/.build/release"
        try FileManager.default.createDirectory(atPath: built, withIntermediateDirectories: true)
        try await runTool(
            "cp",
            ["--archive", "\(source)/rig", "\(source)/docker-compose.test.yml", "\(source)/.dockerignore", folder]
        ).checked()
        for name in ["rbd-plugin", "rbd-plugin-kernel"] {
            let each = String(program.dropLast("rbd-plugin".count)) + name
            try await runTool("strip", ["--strip-debug", "-o", "\(built)/\(name)", each]).checked()
        }
    }

    func compose(_ arguments: String...) async throws {
        let result = try await runTool(
            "docker-compose",
            ["--project-directory", folder, "--project-name", "rig", "--file", folder + "/docker-compose.test.yml"]
                + arguments,
            settings: ["DOCKER_HOST": engine.host, "DOCKER_CONFIG": engine.scratch.path + "/client"],
            within: .seconds(240))
        guard result.succeeded else {
            throw RigFailure("\(result.command): \(result.error)\n\(result.output.suffix(4000))")
        }
    }
}
