import Glibc
import RBDDriver
import Rig

@testable import NodeStorage

/// A `mkfs.ext4` that goes on until it is ended or told to make the filesystem.
package struct SlowMkfs: Sendable {
    package let runner: ChildProcess
    private let folder: String

    package static func make(_ bench: LinuxBench) async throws -> SlowMkfs {
        let folder = bench.scratch.path + "/bin"
        let script = """
            #!/bin/sh
            echo $$ >"\(folder)/started.new" && mv "\(folder)/started.new" "\(folder)/started"
            until test -e "\(folder)/go"; do sleep 0.01; done
            exec /sbin/mkfs.ext4 "$@"
            """
        try await bench.tool("mkdir", folder)
        try await bench.makeProgram(folder + "/mkfs.ext4", script)
        let path = SearchPath.standard.preceded(by: folder)
        return SlowMkfs(runner: ChildProcess(clock: SystemClock(), searchPath: path), folder: folder)
    }

    /// Waits until it runs.
    package func started() async throws {
        try await eventually("mkfs to be started") { access(folder + "/started", F_OK) == 0 }
    }

    package func letGo() async throws { try await runTool("touch", [folder + "/go"]).checked() }

    package var isRunning: Bool {
        get async throws {
            guard access(folder + "/started", F_OK) == 0 else { return false }
            let pid = try await runTool("cat", [folder + "/started"]).checked().output.filter(\.isNumber)
            return try await runTool("kill", ["-0", pid]).succeeded
        }
    }
}
