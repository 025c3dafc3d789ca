import FoundationEssentials
import Glibc
import VolumeCore

@testable import NodeStorage

/// The mappers' notes below `RBD_STATE_DIR`: of older versions, cut off, or of somebody else.
struct NoteTarget: FuzzTarget {
    let name = "notes"
    let words = [
        "image", "pool", "namespace", "name", "imageID", "daemon", "pid", "started", "device", "client", "path",
        "process", "boot", "boot 0", "10.0.0.1:0/7", "/dev/nbd0", "/dev/loop7", "\n",
    ]

    private let folder = FuzzFolder("notes")

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        do {
            return [try fuse(input), try nbd(input), try mark(input)].joined(separator: " ")
        } catch let broken as Broken {
            throw broken
        } catch {
            throw Broken("the notes cannot be read: \(error)")
        }
    }

    private func fuse(_ input: [UInt8]) throws -> String {
        let notes = FuseFolder(path: folder.path)
        try SmallFile.replace("\(folder.path)/mapping.json", with: input)
        guard let record = try notes.record() else { return "no fuse" }
        try notes.write(record)
        guard try notes.record() == record else { throw Broken("a note of the fuse mapper reads as another one") }
        return "fuse \(record.device != nil) \(record.client != nil)"
    }

    private func nbd(_ input: [UInt8]) throws -> String {
        let notes = NbdRecords(folder: folder.path)
        try SmallFile.replace("\(folder.path)/nbd0.json", with: input)
        guard let record = try notes.read("/dev/nbd0") else { return "no nbd" }
        try notes.write(
            NbdRecords.Record(
                device: MappedDevice(
                    image: record.device.image, imageID: record.device.imageID, path: "/dev/nbd0",
                    client: record.device.client), process: record.process))
        guard let again = try notes.read("/dev/nbd0"), again.device.image == record.device.image else {
            throw Broken("a note of the nbd mapper reads as another one")
        }
        return "nbd \(record.device.client != nil)"
    }

    private func mark(_ input: [UInt8]) throws -> String {
        let marks = MappingMarks(folder: folder.path, boot: "this-boot")
        let image = ImageReference(pool: "rbd", name: "db")
        let file = "\(folder.path)/\(FuseFolder.name(of: image))"
        try SmallFile.replace(file, with: input)
        let stood = marks.has(image, id: "1")
        try marks.set(image, id: nil)
        guard marks.has(image, id: "1") else { throw Broken("a mark that was set is not seen") }
        marks.clear(image, id: nil)
        guard !marks.has(image, id: "1") else { throw Broken("a mark that was cleared is still seen") }
        return "mark \(stood)"
    }
}

/// A folder of a target's own, in memory where there is such a filesystem.
struct FuzzFolder: Sendable {
    let path: String

    init(_ name: String) {
        var template = Array(
            "\(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")/rbd-fuzz-\(name).XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }
}
