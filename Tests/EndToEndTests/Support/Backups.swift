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
}
