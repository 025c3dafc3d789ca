import FoundationEssentials
import Subprocess

/// A certificate authority with a server and a client certificate, made by openssl for one test.
///
/// The server's certificate names 127.0.0.1 and localhost, and may act as a client too: etcd's gateway is a client of
/// etcd's own gRPC port and shows it there. No certificate has a common name: through the gateway, etcd's
/// authentication refuses one.
public struct EtcdCertificates: Sendable {
    public let folder: String

    public var authority: String { folder + "/ca.crt" }
    public var server: String { folder + "/server.crt" }
    public var serverKey: String { folder + "/server.key" }
    public var client: String { folder + "/client.crt" }
    public var clientKey: String { folder + "/client.key" }

    /// Those that are in `folder` already.
    public init(folder: String) {
        self.folder = folder
    }

    public static func make() async throws -> EtcdCertificates {
        let certificates = EtcdCertificates(folder: try TemporaryFolder.make("etcd-certificates"))
        try await certificates.makeAuthority()
        try await certificates.makeCertificate(
            "server",
            extensions: """
                subjectAltName=IP:127.0.0.1,DNS:localhost
                extendedKeyUsage=serverAuth,clientAuth
                """)
        try await certificates.makeCertificate("client", extensions: "extendedKeyUsage=clientAuth\n")
        return certificates
    }

    public func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func makeAuthority() async throws {
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/O=tests/OU=authority", "-keyout", "\(folder)/ca.key", "-out", authority)
    }

    private func makeCertificate(_ name: String, extensions: String) async throws {
        let path = "\(folder)/\(name)"
        try extensions.write(toFile: "\(path).ext", atomically: true, encoding: .utf8)
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            "/O=tests/OU=\(name)", "-keyout", "\(path).key", "-out", "\(path).csr")
        try await openssl(
            "x509", "-req", "-in", "\(path).csr", "-CA", authority, "-CAkey", "\(folder)/ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "\(path).ext", "-out", "\(path).crt")
    }

    private func openssl(_ arguments: String...) async throws {
        let result = try await run(
            .name("openssl"), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw CertificateError(text: result.standardError)
        }
    }
}

/// openssl failed; carries what it said.
public struct CertificateError: Error {
    public var text: String
}
