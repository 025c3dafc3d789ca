import Glibc
import Rig
import Testing

extension Stage {
    /// A file of the test's own, in the plugin's scratch folder.
    func scratchFile(_ stem: String) -> String { plugin.scratch.path + "/" + uniqueName(stem) }

    /// A pipe with a name.
    func namedPipe(_ stem: String) throws -> String {
        let path = scratchFile(stem)
        guard mkfifo(path, 0o600) == 0 else { throw RigFailure("cannot make the pipe \(path)") }
        return path
    }

    /// All that an image, or a snapshot of one, holds.
    func content(of image: String) async throws -> String {
        let file = scratchFile("content")
        _ = try await ceph.rbd("export", "--no-progress", image, file)
        return file
    }

    /// The two images hold the same bytes.
    func expectSame(
        _ first: String, _ second: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let files = [try await content(of: first), try await content(of: second)]
        let compared = try await runTool("cmp", files)
        #expect(compared.status == 0, "\(first) and \(second): \(compared)", sourceLocation: sourceLocation)
        for file in files { unlink(file) }
    }

    /// An operator's command that goes on until the test ends it.
    func begin(_ arguments: [String], log: String) throws -> SpawnedProcess {
        let own = plugin.settings.variables(for: environment, stateFolder: plugin.stateFolder)
        return try SpawnedProcess(try PluginProcess.executable(), arguments, environment: own, log: log)
    }

    /// Runs the program with a pipe at its standard input that a file is sent through.
    func operateThroughPipe(_ arguments: [String], reading file: String) async throws -> ToolResult {
        let own = plugin.settings.variables(for: environment, stateFolder: plugin.stateFolder)
        return try await runTool(
            "sh",
            ["-c", #"file=$1; shift; cat "$file" | "$@""#, "sh", file, try PluginProcess.executable()] + arguments,
            settings: own.mapValues { $0 }, within: .seconds(120))
    }

    /// Whether the image says so itself. Read past librbd: 'rbd image-meta' opens the image for writing, and then it looks as if it
    /// were in use.
    func saysThatItIsRolledBack(_ volume: String) async throws -> Bool {
        let id = try await ceph.imageID(of: volume, in: "\(pool)/\(namespace)")
        return try await ceph.run(
            "rados",
            [
                "--pool", pool, "--namespace", namespace, "getomapval", "rbd_header.\(id)",
                "metadata_rbd-plugin.rolling-back",
            ]
        ).succeeded
    }
}
