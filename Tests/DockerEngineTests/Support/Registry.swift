import FoundationEssentials
import Glibc
import Rig

/// A plugin registry of the tests' own, on loopback or in a network namespace, and with TLS: Docker sends plugins over nothing less.
final class Registry: Sendable {
    /// `ADDRESS:PORT`, as it stands in front of a plugin's name.
    let address: String
    /// The certificate to trust; it has signed itself.
    var certificate: String { scratch.path + "/certificate.pem" }
    private let scratch: ScratchFolder
    private let process: SpawnedProcess

    static func with(_ environment: RigEnvironment, _ body: (Registry) async throws -> Void) async throws {
        let registry = try await Registry(environment)
        do {
            try await body(registry)
        } catch {
            let log = (try? text(of: registry.scratch.path + "/log")) ?? ""
            try? await registry.end()
            throw RigFailure("\(error)\nThe registry's log ends with:\n\(log.suffix(2000))")
        }
        try await registry.end()
    }

    /// - Parameter host: the address to listen on, of the network that the environment's servers are in.
    init(_ environment: RigEnvironment, at host: String = "127.0.0.1") async throws {
        scratch = try ScratchFolder("r", of: environment)
        let port = try LoopbackPorts.free(1)[0]
        address = "\(host):\(port)"
        let folder = scratch.path
        try await runTool(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry",
                "-addext", "subjectAltName=IP:\(host)", "-keyout", folder + "/key.pem",
                "-out", folder + "/certificate.pem",
            ]
        ).checked()
        let configuration = """
            version: 0.1
            storage: { filesystem: { rootdirectory: \(folder)/store } }
            http:
              addr: \(address)
              tls: { certificate: \(folder)/certificate.pem, key: \(folder)/key.pem }
            """
        try write(configuration, to: folder + "/registry.yml")
        let enter = environment.namespace.map { ["nsenter", "--net=/run/netns/\($0)"] } ?? []
        process = try SpawnedProcess(
            "/usr/bin/env", enter + ["docker-registry", "serve", folder + "/registry.yml"],
            environment: ["PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"], log: folder + "/log")
        let (url, certificate, process) = ("https://\(address)/v2/", certificate, process)
        try await eventually("the registry to answer; see \(folder)/log") {
            if let ending = process.poll() { throw RigFailure("the registry ended while starting (\(ending))") }
            return try await environment.run("curl", ["--silent", "--fail", "--cacert", certificate, url]).succeeded
        }
    }

    func end() async throws {
        process.signal(SIGTERM)
        try await process.waitForEnd()
        try await scratch.sweep()
    }
}
