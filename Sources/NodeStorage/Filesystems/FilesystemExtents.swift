import Glibc
import SystemPackage
import VolumeCore

/// What mkfs wrote and is not zero, in ascending order; everything else on the image is to stay as it was created.
///
/// No extent crosses the border of an object of the image, nor of 4 MiB. Offsets are multiples of 4096.
public struct FilesystemExtents: AsyncSequence, Sendable {
    public typealias Element = ImageExtent
    public typealias Failure = any Error

    let file: FileDescriptor
    let size: UInt64
    let chunk: UInt64
    let kernel: KernelCalls

    public func makeAsyncIterator() -> Iterator { Iterator(extents: self) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let extents: FilesystemExtents
        private var position: UInt64 = 0
        private var pending: [ImageExtent] = []

        fileprivate init(extents: FilesystemExtents) { self.extents = extents }

        public mutating func next() async throws -> ImageExtent? {
            while pending.isEmpty {
                let (file, position, end, chunk) = (extents.file, position, extents.size, extents.chunk)
                let read = try await extents.kernel.run("read the new filesystem", to: "read the new filesystem") {
                    try SparseFile(file: file, size: end).nextData(from: position, chunk: chunk)
                }
                guard let read else { return nil }
                self.position = read.offset + UInt64(read.bytes.count)
                // The last is taken first.
                pending = NonZeroRuns.split(read).reversed()
            }
            return pending.popLast()
        }
    }
}

/// A file with holes. All calls block.
struct SparseFile {
    let file: FileDescriptor
    let size: UInt64

    // <unistd.h> shows SEEK_DATA and SEEK_HOLE only to GNU programs.
    private static let seekData: CInt = 3
    private static let seekHole: CInt = 4

    /// The next data at or after `position`, up to its end or to the next multiple of `chunk`.
    func nextData(from position: UInt64, chunk: UInt64) throws -> ImageExtent? {
        guard position < size, let start = try seek(position, Self.seekData), start < size else { return nil }
        let hole = try seek(start, Self.seekHole) ?? size
        let end = min(hole, size, (start / chunk + 1) * chunk)
        var bytes = [UInt8](repeating: 0, count: Int(end - start))
        let count = try bytes.withUnsafeMutableBytes { try read(at: start, into: $0) }
        guard count == bytes.count else { throw Errno.ioError }
        return ImageExtent(offset: start, bytes: bytes)
    }

    private func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try file.read(fromAbsoluteOffset: Int64(offset) + Int64(done), into: rest)
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// - Returns: `nil` when there is no data beyond the offset.
    private func seek(_ offset: UInt64, _ whence: CInt) throws -> UInt64? {
        let found = lseek(file.rawValue, off_t(offset), whence)
        if found >= 0 { return UInt64(found) }
        let error = Errno(rawValue: errno)
        if error == .noSuchAddressOrDevice { return nil }
        throw error
    }
}

/// Splits data into the runs of blocks that are not all zero.
enum NonZeroRuns {
    static let block = 4096
    /// A gap of zeros up to this is written along: one larger write is cheaper than two small ones.
    static let joinedGap = 64 << 10

    static func split(_ extent: ImageExtent) -> [ImageExtent] {
        var runs: [Range<Int>] = []
        for start in stride(from: 0, to: extent.bytes.count, by: block) {
            let range = start..<min(start + block, extent.bytes.count)
            if isZero(extent.bytes[range]) { continue }
            if let last = runs.last, start - last.upperBound <= joinedGap {
                runs[runs.count - 1] = last.lowerBound..<range.upperBound
            } else {
                runs.append(range)
            }
        }
        return runs.map { ImageExtent(offset: extent.offset + UInt64($0.lowerBound), bytes: Array(extent.bytes[$0])) }
    }

    private static func isZero(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, buffer.count > 1 else { return buffer.allSatisfy { $0 == 0 } }
            // Each byte equals the one before it, and the first is zero.
            return buffer[0] == 0 && memcmp(base, base + 1, buffer.count - 1) == 0
        }
    }
}
