import Rig

/// A Docker engine, and the kernel below it: how images are mapped is what that kernel offers.
protocol Engine: AnyObject, Sendable {
    /// Its plugin's Ceph and etcd.
    var environment: RigEnvironment { get }
    /// For files of this machine that the docker command is to read or write.
    var scratch: ScratchFolder { get }
    /// Where it listens, as DOCKER_HOST has it.
    var host: String { get }
    /// What dockerd has printed, and with it all that its plugins have.
    var log: String { get }
    /// How long that may take which takes moments on a real processor.
    var patience: Duration { get }
    /// Which of its host's folders a managed plugin is shown.
    var sources: [String] { get }
    /// Settings that a managed plugin needs here.
    var settings: [String] { get }

    /// SIGKILL for dockerd alone: containerd, containers and plugins run on, as after a crash.
    func crash() async throws
    /// Waits until dockerd is there again after its end, as it was.
    func startAgain() async throws

    /// How often the volume's image is mapped, as sentences.
    func mappings(of volume: String) async throws -> [String]
    /// The mounts of the volume below a plugin's folder, as sentences.
    func mounts(of volume: String) async throws -> [String]
    /// The processes of the program in a plugin, in the host's numbers.
    func processes(ofPlugin id: String) async throws -> [Int32]
    /// What a file of the host's kernel says, such as one below `/proc`.
    func kernelText(_ path: String) async throws -> String
    /// SIGKILL for processes of the host.
    func kill(_ processes: [Int32]) async throws
    /// Whether the kernel keeps a device for nobody.
    func isForgotten(_ device: String) async throws -> Bool
}

extension Engine {
    /// Runs the docker command against this engine; for when its failure is what matters.
    func run(_ arguments: [String], within limit: Duration = .seconds(90)) async throws -> ToolResult {
        try await runTool(
            "docker", arguments,
            settings: [
                "DOCKER_HOST": host, "DOCKER_CONFIG": scratch.path + "/client", "DOCKER_CONTEXT": nil,
                "DOCKER_API_VERSION": nil, "DOCKER_TLS_VERIFY": nil, "DOCKER_CERT_PATH": nil,
            ], within: limit)
    }

    /// Runs the docker command and returns what it printed, without the last line break.
    ///
    /// - Throws: ``RigFailure`` with docker's own words when it fails.
    @discardableResult
    func docker(_ arguments: String...) async throws -> String {
        let output = try await run(arguments).checked().output
        return output.last == "\n" ? String(output.dropLast()) : output
    }

    /// What docker says when it refuses.
    ///
    /// - Throws: ``RigFailure`` when it does not refuse.
    func refusal(_ arguments: String...) async throws -> String {
        let result = try await run(arguments)
        guard !result.succeeded else { throw RigFailure("`\(result.command)` should have failed: \(result.output)") }
        return result.error
    }

    /// Removes a volume again and again, until nothing has it any more.
    func removeWhenPossible(_ volume: String, within limit: Duration) async throws {
        var refusal = ""
        try await eventually("\(volume) to be removed: \(refusal)", within: limit) {
            let result = try await run(["volume", "rm", volume])
            refusal = result.error
            return result.succeeded
        }
    }
}
