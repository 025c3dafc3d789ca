import FoundationEssentials
import VolumeCore

/// The command line of `qemu-storage-daemon`, which opens the image and exports nothing yet. Everything that holds a name is JSON: in qemu's own `key=value,…` form a
/// comma in a name would start another option.
struct QemuArguments: Sendable {
    let image: ImageReference
    var access = VolumeAccess.readWrite
    let files: CephClientFiles
    let folder: FuseFolder

    static let nodeName = "n0"

    private struct Block: Encodable {
        struct Cache: Encodable { let direct = true }

        let driver = "rbd"
        let nodeName = QemuArguments.nodeName
        let pool: String
        let namespace: String?
        let image: String
        let conf: String
        let user: String
        let cache = Cache()
        let discard = "unmap"
        let readOnly: Bool?

        enum CodingKeys: String, CodingKey {
            case driver, pool, namespace, image, conf, user, cache, discard
            case nodeName = "node-name"
            case readOnly = "read-only"
        }
    }

    func list() throws -> [String] {
        let block = Block(
            pool: image.pool, namespace: image.namespace.isEmpty ? nil : image.namespace, image: image.name,
            conf: files.confPath, user: files.user, readOnly: access == .readOnly ? true : nil)
        return [
            "--daemonize", "--pidfile", folder.pidFile,
            "--blockdev", try Self.json(block),
            // In qemu's own form a comma is escaped by doubling it.
            "--chardev", "socket,id=m0,server=on,wait=off,path=\(Self.doublingCommas(folder.socket))",
            "--monitor", "chardev=m0",
        ]
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func doublingCommas(_ text: String) -> String {
        text.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }
}
