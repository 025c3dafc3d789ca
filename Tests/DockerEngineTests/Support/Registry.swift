import FoundationEssentials
import Glibc
import Rig

/// A plugin registry of the tests' own, on loopback and with TLS: Docker sends plugins over nothing less.
final class Registry: Sendable {
    /// `127.0.0.1:PORT`, as it stands in front of a plugin's name.
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

    private init(_ environment: RigEnvironment) async throws {
        scratch = try ScratchFolder("r", of: environment)
        let port = try LoopbackPorts.free(1)[0]
        address = "127.0.0.1:\(port)"
        let folder = scratch.path
        try await runTool(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key.pem",
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
        process = try SpawnedProcess(
            "/usr/bin/docker-registry", ["serve", folder + "/registry.yml"],
            environment: ["PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"], log: folder + "/log")
        let (url, certificate, process) = ("https://\(address)/v2/", certificate, process)
        try await eventually("the registry to answer; see \(folder)/log") {
            if let ending = process.poll() { throw RigFailure("the registry ended while starting (\(ending))") }
            return try await runTool("curl", ["--silent", "--fail", "--cacert", certificate, url]).succeeded
        }
    }

    private func end() async throws {
        process.signal(SIGTERM)
        try await process.waitForEnd()
        try await scratch.sweep()
    }
}
