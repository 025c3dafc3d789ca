import EtcdClient
import FoundationEssentials
import Glibc
import Rig

/// The files that a client is told of, whose content a test changes as an operator does.
struct ChangingFiles: Sendable {
    let folder: String

    init() throws {
        folder = try TemporaryFolder.make("etcd-client-files")
    }

    var authority: String { folder + "/ca.pem" }
    var certificate: String { folder + "/client.pem" }
    var key: String { folder + "/client.key" }
    var password: String { folder + "/password" }

    var tls: TLSFiles { TLSFiles(certificateAuthority: authority, certificate: certificate, key: key) }

    /// A file is whole at every moment: the new one takes the place of the old one.
    func put(_ content: String, at path: String) throws {
        let beside = path + ".new"
        try content.write(toFile: beside, atomically: false, encoding: .utf8)
        guard rename(beside, path) == 0 else { throw RigFailure("rename(2) to \(path) failed: \(errno)") }
    }

    /// - Parameter sets: whose authorities are trusted.
    func trust(_ sets: EtcdCertificates...) throws {
        try put(try sets.map { try text(of: $0.authority) }.joined(), at: authority)
    }

    /// One file after the other, as there is no way to replace both at once.
    func show(_ set: EtcdCertificates) throws {
        try put(try text(of: set.client), at: certificate)
        try put(try text(of: set.clientKey), at: key)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    func text(of path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}
