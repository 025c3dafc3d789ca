import FoundationEssentials
import Glibc
import SystemPackage
import UntrustedJSON
import VolumeCore

/// The folder of one FUSE mapping: what is known of it survives a restart of the plugin there.
struct FuseFolder: Sendable, Hashable {
    /// What `mapping.json` says. It grows with each step, so that a crash in between can be cleaned up.
    struct Record: Sendable, Hashable, Codable {
        var image: ImageReference
        /// The id of the image; absent from the notes of older versions.
        var imageID: String?
        var daemon: ProcessIdentity?
        var device: String?
        var client: ClientAddress?

        func mapped(as path: String) -> MappedDevice {
            MappedDevice(image: image, imageID: imageID, path: path, client: client)
        }
    }

    let path: String

    /// The file that the daemon exports the image as.
    var imageFile: String { "\(path)/image" }
    var pidFile: String { "\(path)/pid" }
    /// The daemon's control socket.
    var socket: String { "\(path)/qmp" }
    private var recordFile: String { "\(path)/mapping.json" }

    /// - Parameter generation: above 0 when the folder before it is still held by a filesystem whose daemon died.
    init(of image: ImageReference, below root: String, generation: Int) {
        path = "\(root)/\(Self.name(of: image))" + (generation == 0 ? "" : ".\(generation)")
    }

    init(path: String) { self.path = path }

    /// Beginning of the image's name for people, and a hash of all of it. Short, since a socket's path is limited to 107
    /// bytes.
    static func name(of image: ImageReference) -> String {
        let readable = image.name.utf8.prefix(16).map { byte -> Character in
            let scalar = UnicodeScalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isPlain || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") ? Character(scalar) : "_"
        }
        return String(readable) + "." + hash([image.pool, image.namespace, image.name].joined(separator: "\0"))
    }

    static let longestName = 16 + 1 + 16 + 2

    /// FNV-1a: stable over releases, unlike Swift's own hash.
    static func hash(_ text: String) -> String {
        let value = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Blocking

    /// - Returns: `nil` when there is none, or none that can be understood: then nothing was finished here.
    func record() throws -> Record? {
        do {
            let bytes = try SmallFile.bytes(of: recordFile, limit: 64 << 10)
            return try? UntrustedJSON.decode(Record.self, from: bytes)
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            return nil
        }
    }

    func write(_ record: Record) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try SmallFile.replace(recordFile, with: Array(try encoder.encode(record)))
    }

    /// Makes the file that the daemon mounts its export over.
    func makeImageFile() throws {
        let file = try FileDescriptor.open(
            imageFile, .readWrite, options: [.create, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
        try file.close()
    }

    /// Removes what is in the folder, and it. Only names that are made here: nothing is ever removed below them.
    func remove() throws {
        for file in [imageFile, pidFile, socket, recordFile + ".new", recordFile] {
            do { try SystemCall.check { unlink(file) } } catch Errno.noSuchFileOrDirectory { continue }
        }
        do { try SystemCall.check { rmdir(path) } } catch Errno.noSuchFileOrDirectory { return }
    }
}
