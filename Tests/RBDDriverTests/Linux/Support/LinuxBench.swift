import RBDDriver
import Rig
import VolumeCore

/// The real adapters' common ground: child processes, kernel calls, and a scratch folder that is swept afterwards.
struct LinuxBench: Sendable {
    let environment: RigEnvironment
    let scratch: ScratchFolder
    let runner: ChildProcess
    let kernel: KernelCalls

    private static let pool = BlockingPool(name: "linux-tests", perLane: 8)

    private init(_ stem: String, in environment: RigEnvironment) throws {
        self.environment = environment
        scratch = try ScratchFolder(stem, of: environment)
        let clock = SystemClock()
        runner = ChildProcess(clock: clock)
        kernel = KernelCalls(pool: Self.pool, clock: clock)
    }

    /// Runs the test, then takes back what it left in the kernel and on the disk.
    static func run(
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
    func tool(_ name: String, _ arguments: String...) async throws -> String {
        try await runTool(name, arguments).checked().output
    }

    /// Makes a script that can be run as a program.
    func makeProgram(_ path: String, _ script: String) async throws {
        try await tool("sh", "-c", "printf '%s\\n' \"$1\" >\"$2\" && chmod 755 \"$2\"", "sh", script, path)
    }
}

/// The `VolumeError` that the call throws.
func failure(of call: () async throws -> Void) async -> VolumeError? {
    do {
        try await call()
        return nil
    } catch {
        return error as? VolumeError
    }
}
