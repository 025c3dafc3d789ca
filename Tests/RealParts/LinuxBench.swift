import Blocking
import RBDDriver
import Rig

@testable import NodeStorage

/// The real adapters' common ground: child processes, kernel calls, and a scratch folder that is swept afterwards.
package struct LinuxBench: Sendable {
    package let environment: RigEnvironment
    package let scratch: ScratchFolder
    package let runner: ChildProcess
    package let kernel: KernelCalls

    private static let pool = BlockingPool(name: "linux-tests", perLane: 8)

    private init(_ stem: String, in environment: RigEnvironment) throws {
        self.environment = environment
        scratch = try ScratchFolder(stem, of: environment)
        let clock = SystemClock()
        runner = ChildProcess(clock: clock)
        kernel = KernelCalls(pool: Self.pool, clock: clock)
    }

    /// Runs the test, then takes back what it left in the kernel and on the disk.
    package static func run(
        _ stem: String, in environment: RigEnvironment? = nil, _ body: (LinuxBench) async throws -> Void
    ) async throws {
        let bench = try LinuxBench(stem, in: try environment ?? .required())
        do {
            try await body(bench)
        } catch {
            try? await bench.scratch.sweep()
            throw error
        }
        try await bench.scratch.sweep()
    }

    /// Runs a tool that has to succeed, and returns what it printed.
    @discardableResult
    package func tool(_ name: String, _ arguments: String...) async throws -> String {
        try await runTool(name, arguments).checked().output
    }

    @discardableResult
    package func tool(_ name: String, arguments: [String]) async throws -> String {
        try await runTool(name, arguments).checked().output
    }

    /// Makes a script that can be run as a program.
    package func makeProgram(_ path: String, _ script: String) async throws {
        try await tool("sh", "-c", "printf '%s\\n' \"$1\" >\"$2\" && chmod 755 \"$2\"", "sh", script, path)
    }
}
