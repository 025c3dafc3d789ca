import Glibc
import SystemPackage

/// A device, or a file, that is read in a few places. All calls block: use them inside `KernelCalls.runOnDevice`.
struct DevicePieces: ~Copyable {
    private let file: FileDescriptor

    /// - Throws: `Errno`.
    init(_ path: String) throws { file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) }

    deinit { try? file.close() }

    /// Has the kernel begin to read there, so that what is read later in several places takes as long as one.
    func announce(_ places: [Range<UInt64>]) {
        for place in places where !place.isEmpty {
            guard let offset = off_t(exactly: place.lowerBound), let count = off_t(exactly: place.count) else {
                continue
            }
            posix_fadvise(file.rawValue, offset, count, POSIX_FADV_WILLNEED)
        }
    }

    /// - Returns: less where the device ends before.
    /// - Throws: `Errno`.
    func read(_ place: Range<UInt64>) throws -> DiskBytes {
        var content = [UInt8](repeating: 0, count: place.count)
        var filled = 0
        while filled < content.count {
            let count = try content.withUnsafeMutableBytes {
                try file.read(
                    fromAbsoluteOffset: Int64(place.lowerBound) + Int64(filled), into: .init(rebasing: $0[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        return DiskBytes(content.prefix(filled))
    }
}
