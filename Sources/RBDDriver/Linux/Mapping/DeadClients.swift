import Glibc
import SystemPackage
import VolumeCore

/// The clients of daemons that are certain to be dead and whose folders are gone: a small file for each, so that the plugin
/// knows them among an image's watchers for as long as Ceph counts them. All calls block.
struct DeadClients: Sendable {
    let folder: String

    /// So many are kept, the latest. What the others were is long forgotten by Ceph.
    private static let most = 256

    private func file(_ client: ClientAddress) -> String { "\(folder)/\(FuseFolder.hash(client.text))" }

    func note(_ client: ClientAddress) throws {
        try SystemCall.makeFolders(folder)
        try SmallFile.replace(file(client), with: Array("\(client.text)\n".utf8))
        try prune()
    }

    func all() throws -> [ClientAddress] {
        try SystemCall.names(in: folder).compactMap {
            try SmallFile.line("\(folder)/\($0)").flatMap(ClientAddress.init)
        }
    }

    func forget(_ client: ClientAddress) { unlink(file(client)) }

    private func prune() throws {
        let names = try SystemCall.names(in: folder)
        guard names.count > Self.most else { return }
        let byAge = names.map { name -> (name: String, age: Int) in
            var found = stat()
            return (name, lstat("\(folder)/\(name)", &found) == 0 ? found.st_mtim.tv_sec : 0)
        }
        for (name, _) in byAge.sorted(by: { $0.age < $1.age }).dropLast(Self.most) { unlink("\(folder)/\(name)") }
    }
}
