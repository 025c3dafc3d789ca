import CMemoryFile
import Glibc
import SystemPackage
import VolumeCore

/// A sparse file for one mkfs: in the scratch folder, or in memory where no file in that folder can be as large (ext4 ends
/// at 16 TiB).
enum ScratchContent: Sendable {
    case file(String)
    /// Goes away with its descriptor, however this process ends.
    case memory(FileDescriptor)

    /// A file of that size without any content. Blocking.
    /// - Throws: `Errno`, when there can be no such file in either place.
    static func make(_ path: String, size: VolumeSize) throws -> ScratchContent {
        let length = try length(of: size)
        do {
            let file = try FileDescriptor.open(
                path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite)
            try file.closeAfter { _ = try SystemCall.check { ftruncate(file.rawValue, length) } }
            return .file(path)
        } catch let error as Errno where [.fileTooLarge, .noSpace, .invalidArgument].contains(error) {
            return try makeInMemory(size: size)
        }
    }

    /// - Throws: `Errno`.
    static func makeInMemory(size: VolumeSize) throws -> ScratchContent {
        let length = try length(of: size)
        let file = FileDescriptor(rawValue: try SystemCall.check { cmemoryfile_create("rbd-plugin filesystem") })
        do {
            try SystemCall.check { ftruncate(file.rawValue, length) }
        } catch {
            try? file.close()
            throw error
        }
        return .memory(file)
    }

    private static func length(of size: VolumeSize) throws -> off_t {
        guard let length = off_t(exactly: size.bytes) else { throw Errno.fileTooLarge }
        return length
    }

    /// What this process opens it by.
    var path: String {
        switch self {
        case .file(let path): path
        case .memory(let file): "/proc/\(getpid())/fd/\(file.rawValue)"
        }
    }

    /// The command with the file as its last argument. No other program may look into this process (`PR_SET_DUMPABLE`), so
    /// it gets a file in memory as its standard input.
    func asArgument(of command: Command) -> Command {
        var command = command
        command.arguments.append(isInMemory ? "/proc/self/fd/0" : path)
        if isInMemory { command.inputFile = path }
        return command
    }

    /// Opened anew, for reading.
    func open() throws -> FileDescriptor {
        try FileDescriptor.open(path, .readOnly, options: isInMemory ? [.closeOnExec] : [.closeOnExec, .noFollow])
    }

    var isInMemory: Bool {
        if case .memory = self { true } else { false }
    }

    /// Its length, and the bytes that it takes where it is.
    func extent() throws -> (length: UInt64, taken: UInt64) {
        var status = stat()
        switch self {
        case .file(let path): try SystemCall.check { lstat(path, &status) }
        case .memory(let file): try SystemCall.check { fstat(file.rawValue, &status) }
        }
        return (UInt64(status.st_size), UInt64(status.st_blocks) * 512)
    }

    /// Gives memory back; a file goes with its folder.
    func close() {
        if case .memory(let file) = self { try? file.close() }
    }
}

/// How much is free where scratch files can be. Blocking.
enum ScratchRoom {
    /// On the folder's filesystem, for everybody.
    static func free(in folder: String) throws -> UInt64 {
        var status = statvfs()
        try SystemCall.check { statvfs(folder, &status) }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    static func freeMemory() throws -> UInt64 {
        let line = try SmallFile.read("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
        return kibibytes << 10
    }
}
