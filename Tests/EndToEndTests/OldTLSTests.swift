import Glibc
import Rig
import Testing

/// Servers that offer an old TLS only, and a system that would let them.
@Suite("An old TLS")
struct OldTLSTests {
    /// For OpenSSL: everything that it can still do.
    private static let lax = """
        openssl_conf = all
        [all]
        ssl_conf = ssl
        [ssl]
        system_default = lowest
        [lowest]
        MinProtocol = TLSv1
        CipherString = ALL@SECLEVEL=0

        """

    private static func withServer(
        _ version: String,
        _ body: (_ address: String, _ authority: String, _ settings: [String: String]) async throws -> Void
    ) async throws {
        let certificates = try await EtcdCertificates.make()
        defer { certificates.remove() }
        let settings = ["OPENSSL_CONF": certificates.folder + "/lax.cnf"]
        try write(lax, to: certificates.folder + "/lax.cnf")
        let address = "127.0.0.1:\(try LoopbackPorts.free(1)[0])"
        // It answers no request: it hangs up after the handshake and the first bytes.
        let server = try SpawnedProcess(
            "/usr/bin/openssl",
            [
                "s_server", "-accept", address, "-cert", certificates.server, "-key", certificates.serverKey,
                "-\(version)", "-cipher", "ALL@SECLEVEL=0", "-www", "-quiet",
            ],
            environment: settings, log: certificates.folder + "/log")
        do {
            try await eventually("a client without a floor to connect by \(version)") {
                try await runTool(
                    "openssl",
                    [
                        "s_client", "-connect", address, "-\(version)", "-cipher", "ALL@SECLEVEL=0", "-CAfile",
                        certificates.authority, "-verify_return_error", "-brief",
                    ], settings: settings
                ).succeeded
            }
            try await body(address, certificates.authority, settings)
        } catch {
            try await end(server)
            throw error
        }
        try await end(server)
    }

    private static func end(_ server: SpawnedProcess) async throws {
        server.signal(SIGKILL)
        try await server.waitForEnd()
    }

    @Test(
        "E4: a server that offers TLS 1.1 or older only is not spoken to, even where the system would; TLS 1.2 is",
        arguments: [("tls1", false), ("tls1_1", false), ("tls1_2", true)])
    func e4FloorIsTLS12(version: String, isAccepted: Bool) async throws {
        try await Self.withServer(version) { address, authority, lax in
            try await Stage.with(started: false) { stage in
                let own = stage.plugin.settings.variables(for: stage.environment, stateFolder: stage.plugin.stateFolder)
                let endpoint = ["ETCD_ENDPOINTS": "https://\(address)", "ETCD_CA": authority, "ETCD_TIMEOUT": "2s"]
                let settings = own.merging(endpoint) { $1 }.merging(lax) { $1 }
                func complaint() async throws -> String {
                    let result = try await runTool(
                        try PluginProcess.executable(), ["node", "ls"], settings: settings.mapValues { $0 })
                    #expect(result.status == 1 && result.error.contains(address), "it is no etcd: \(result)")
                    return result.error
                }
                let advice = "Check the CA, certificate and key files"
                if isAccepted {
                    let error = try await complaint()
                    #expect(!error.contains(advice), "\(error)")
                } else {
                    try await eventually("the handshake to fail") { try await complaint().contains(advice) }
                }
            }
        }
    }
}
