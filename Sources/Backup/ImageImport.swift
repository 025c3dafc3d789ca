import CephStorage
import DiffStream
import VolumeCore

/// Writes what a stream says into an image that is open.
struct ImageImport {
    /// The largest extent that neighbours are put together to.
    private static let extentSize = 1 << 20
    /// The most that is made zeros by one call.
    private static let zerosAtOnce: UInt64 = 1 << 30

    private let image: RBDImage
    private let size: UInt64
    private let isBlank: Bool
    /// Behind this nothing has been written: where the image is new, zeros are there.
    private var blankFrom: UInt64
    private var batch = ExtentBatch()
    private let tell: @Sendable (BackupProgress) -> Void

    /// - Parameter isBlank: whether nothing has ever been written to the image.
    init(into image: RBDImage, size: UInt64, isBlank: Bool, tell: @escaping @Sendable (BackupProgress) -> Void) {
        self.image = image
        self.size = size
        self.isBlank = isBlank
        blankFrom = isBlank ? 0 : size
        self.tell = tell
    }

    /// Takes all that there is in the stream, up to an end that is whole. Then it is on disk.
    mutating func take(_ diff: IncomingDiff) async throws {
        while let event = try await diff.next() {
            switch event {
            case .head, .end: break
            case .bytes(let offset, let piece):
                let bytes = [UInt8](piece)
                if bytes.isZero {
                    try await clear(offset, UInt64(bytes.count))
                } else {
                    try await add(bytes, at: offset)
                }
                tell(.reached(offset + UInt64(bytes.count), of: size))
            case .zeros(let offset, let count):
                try await clear(offset, count)
                tell(.reached(offset + count, of: size))
            }
        }
        try await writeBatch()
        try await image.flush(timeout: BackupLimits.manyRequests)
        tell(.reached(size, of: size))
    }

    /// Extents that overlap may land in any order: they never go into one batch.
    private mutating func add(_ bytes: [UInt8], at offset: UInt64) async throws {
        let end = offset + UInt64(bytes.count)
        if let last = batch.extents.last, offset < last.offset + UInt64(last.bytes.count) { try await writeBatch() }
        if let last = batch.extents.last, last.offset + UInt64(last.bytes.count) == offset,
            last.bytes.count + bytes.count <= Self.extentSize
        {
            batch.lengthenLast(by: bytes)
        } else {
            batch.add(ImageExtent(offset: offset, bytes: bytes))
        }
        blankFrom = max(blankFrom, end)
        if batch.isFull { try await writeBatch() }
    }

    private mutating func clear(_ offset: UInt64, _ count: UInt64) async throws {
        guard offset < blankFrom else { return }
        try await writeBatch()
        let end = min(offset + count, blankFrom)
        for start in stride(from: offset, to: end, by: Int(Self.zerosAtOnce)) {
            try Task.checkCancellation()
            let piece = min(Self.zerosAtOnce, end - start)
            try await toItsEnd { [image] in
                try await image.writeZeros(at: start, count: piece, timeout: BackupLimits.manyRequests)
            }
        }
    }

    private mutating func writeBatch() async throws {
        guard !batch.extents.isEmpty else { return }
        try Task.checkCancellation()
        try await toItsEnd { [image, batch] in
            try await image.write(extents: batch.extents, timeout: BackupLimits.manyRequests)
        }
        batch = ExtentBatch()
    }

    /// Where the image holds something of worth, an interruption waits for the write that is under way: what comes afterwards must
    /// not be overtaken by it.
    private func toItsEnd(_ body: @escaping @Sendable () async throws -> Void) async throws {
        if isBlank { try await body() } else { try await Task { try await body() }.value }
    }
}
