import FoundationEssentials
import Glibc
import SystemPackage
import UntrustedJSON
import VolumeCore

/// The client addresses of nbd mappings, which neither the kernel nor `rbd-nbd` tells: a small file for each device below
/// `<state>/nbd`, so that a restarted plugin knows them. All calls block.
struct NbdRecords: Sendable {
    struct Record: Sendable, Hashable, Codable {
        var device: MappedDevice
        /// The `rbd-nbd` process: another process, another mapping.
        var process: Int32
        /// The boot that it was mapped in. Absent from the notes of older versions.
        var boot: String?

        /// Whether the process still runs.
        var isServed: Bool { ProcessTable.arguments(of: process).first?.split(separator: "/").last == "rbd-nbd" }

        enum CodingKeys: String, CodingKey { case image, imageID, path, client, process, boot }

        init(device: MappedDevice, process: Int32, boot: String? = KernelBoot.id) {
            self.device = device
            self.process = process
            self.boot = boot
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            device = MappedDevice(
                image: try container.decode(ImageReference.self, forKey: .image),
                // Absent from the notes of older versions.
                imageID: try container.decodeIfPresent(String.self, forKey: .imageID),
                path: try container.decode(String.self, forKey: .path),
                client: try container.decodeIfPresent(ClientAddress.self, forKey: .client))
            process = try container.decode(Int32.self, forKey: .process)
            boot = try container.decodeIfPresent(String.self, forKey: .boot)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(device.image, forKey: .image)
            try container.encodeIfPresent(device.imageID, forKey: .imageID)
            try container.encode(device.path, forKey: .path)
            try container.encodeIfPresent(device.client, forKey: .client)
            try container.encode(process, forKey: .process)
            try container.encodeIfPresent(boot, forKey: .boot)
        }
    }

    let folder: String

    private func file(of path: String) -> String { "\(folder)/\(path.split(separator: "/").last ?? "").json" }

    func write(_ record: Record) throws {
        try SystemCall.makeFolders(folder)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try SmallFile.replace(file(of: record.device.path), with: Array(try encoder.encode(record)))
    }

    /// - Returns: `nil` when there is no record of this boot, or none that can be read.
    func read(_ path: String) throws -> Record? {
        do {
            let bytes = try SmallFile.bytes(of: file(of: path), limit: 64 << 10)
            let record = try? UntrustedJSON.decode(Record.self, from: bytes)
            return (record?.boot ?? KernelBoot.id) == KernelBoot.id ? record : nil
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }

    /// Every record that can be understood.
    func all() throws -> [Record] {
        try SystemCall.names(in: folder).filter { $0.hasSuffix(".json") }.compactMap { name in
            try read(String(name.dropLast(".json".count)))
        }
    }

    func remove(_ path: String) throws {
        do { try SystemCall.check { unlink(file(of: path)) } } catch Errno.noSuchFileOrDirectory { return }
    }
}
