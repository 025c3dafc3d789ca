import FoundationEssentials
import Glibc
import SystemPackage
import VolumeCore

/// The clients of daemons that are certain to be dead and whose folders are gone: a small file for each, so that the plugin
/// knows them among an image's watchers for as long as Ceph counts them. All calls block.
struct DeadClients: Sendable {
    let folder: String

    /// So many are kept, the latest. What the others were is long forgotten by Ceph.
    private static let most = 256

    func note(_ client: ClientAddress) throws {
        try SystemCall.makeFolders(folder)
        guard try names(of: client).isEmpty else { return }
        // Sorted by age.
        let name = "\(UInt64(Date.now.timeIntervalSince1970 * 1e6))\(Self.ending(of: client))"
        try SmallFile.replace("\(folder)/\(name)", with: Array("\(client.text)\n".utf8))
        for old in try SystemCall.names(in: folder).sorted().dropLast(Self.most) { unlink("\(folder)/\(old)") }
    }

    func all() throws -> [ClientAddress] {
        try SystemCall.names(in: folder).compactMap {
            try SmallFile.line("\(folder)/\($0)").flatMap(ClientAddress.init)
        }
    }

    func forget(_ client: ClientAddress) {
        for name in (try? names(of: client)) ?? [] { unlink("\(folder)/\(name)") }
    }

    private func names(of client: ClientAddress) throws -> [String] {
        try SystemCall.names(in: folder).filter { $0.hasSuffix(Self.ending(of: client)) }
    }

    private static func ending(of client: ClientAddress) -> String { "-\(FuseFolder.hash(client.text))" }
}
