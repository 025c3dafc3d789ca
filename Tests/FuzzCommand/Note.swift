import Glibc
import Rig

/// What a worker is at: a file that its supervisor reads, also after the worker has died.
///
/// One number, how many inputs were begun; another one, how long the last of them is; and its bytes.
struct Note {
    private static let size = 1 << 17
    private static let header = 16
    private let memory: UnsafeMutableRawPointer

    /// - Throws: ``RigFailure`` when the file cannot be used.
    init(_ path: String) throws {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, ftruncate(file, Self.size) == 0,
            let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { throw RigFailure("cannot use \(path): \(errno)") }
        close(file)
        self.memory = memory
    }

    /// How many inputs were begun.
    var count: UInt64 { memory.load(as: UInt64.self) }

    var input: [UInt8] {
        let length = min(Int(memory.load(fromByteOffset: 8, as: UInt64.self)), Self.size - Self.header)
        return Array(UnsafeRawBufferPointer(start: memory + Self.header, count: length))
    }

    func begin(_ input: [UInt8]) {
        let length = min(input.count, Self.size - Self.header)
        memory.storeBytes(of: UInt64(length), toByteOffset: 8, as: UInt64.self)
        (memory + Self.header).copyMemory(from: input, byteCount: length)
        memory.storeBytes(of: count &+ 1, as: UInt64.self)
    }
}
