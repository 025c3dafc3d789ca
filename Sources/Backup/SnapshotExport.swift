import CephStorage
import DiffStream
import Glibc
import VolumeCore

/// Writes a snapshot of an image out, as `rbd import-diff` reads it: whole, or what has changed since an earlier snapshot.
///
/// The image is opened read-only, at the snapshot: that leaves no watch, so nobody who uses the image notices, and nobody is kept
/// from mounting it. Memory is bounded by the window of reads, whatever the image's size.
public struct SnapshotExport: Sendable {
    /// The most that one read brings, and how many reads are under way at a time.
    private static let piece: UInt64 = 4 << 20
    private static let window = 4
    /// For how many objects it is asked at a time what differs.
    private static let objectsAtOnce: UInt64 = 256
    /// Each such question about a clone begins with one about all of its parent.
    private static let objectsOfCloneAtOnce: UInt64 = 1 << 14
    /// How often it is made sure that the snapshots are still there.
    private static let lookInterval = Duration.seconds(20)

    private let images: RBDImages
    private let image: ImageReference
    private let id: String
    private let snapshot: VolumeSnapshot
    private let from: VolumeSnapshot?
    private let tell: @Sendable (BackupProgress) -> Void

    /// - Parameters:
    ///   - id: of the image.
    ///   - from: an earlier snapshot; `nil` for all that the image holds.
    public init(
        of image: ImageReference, id: String, at snapshot: VolumeSnapshot, from: VolumeSnapshot?,
        connection: CephConnection, tell: @escaping @Sendable (BackupProgress) -> Void
    ) {
        images = RBDImages(ImageLocation(image), connection: connection)
        self.image = image
        self.id = id
        self.snapshot = snapshot
        self.from = from
        self.tell = tell
    }

    private var what: String { "export snapshot \(snapshot.name) of image \(image)" }

    /// - Throws: `VolumeError`; then what was written is no whole stream.
    public func write(to stream: OutgoingStream) async throws {
        do {
            try await images.withImage(.id(id), .readOnly, snapshot: snapshot.name) { opened in
                try await write(opened, to: stream)
            }
        } catch let error as CephError {
            throw VolumeError(ceph: error, what)
        }
    }

    private func write(_ opened: RBDImage, to stream: OutgoingStream) async throws {
        try await requireSnapshots()
        let stat = try await opened.stat()
        let size = snapshot.size.bytes
        try await stream.write(DiffWriter.head(DiffHead(from: from?.name, to: snapshot.name, size: size)))
        let objects = stat.parent != nil && from == nil ? Self.objectsOfCloneAtOnce : Self.objectsAtOnce
        let step = (objects << UInt64(stat.order)) * max(1, stat.stripeCount)
        var lookedAt = ContinuousClock.now
        var offset: UInt64 = 0
        tell(.reached(0, of: size))
        while offset < size {
            let (start, count) = (offset, min(step, size - offset))
            let differences = try await patiently {
                try await opened.differences(
                    from: from?.name, at: start, count: count, timeout: BackupLimits.manyRequests)
            }
            try await write(differences.flatMap { Self.pieces(of: $0, isThere: $0.exists) }, of: opened, to: stream)
            offset += count
            tell(.reached(offset, of: size))
            if lookedAt.duration(to: .now) > Self.lookInterval {
                try await requireSnapshots()
                lookedAt = .now
            }
        }
        // What was read is that snapshot only if the snapshot was there all the time; its number never comes back.
        try await requireSnapshots()
        try await stream.write(DiffWriter.end)
    }

    /// Parts as they are read at a time.
    /// - Parameter isThere: whether it is to be read.
    static func pieces(of difference: ImageDifference, isThere: Bool) -> [ImageDifference] {
        guard isThere else { return [difference] }
        return stride(from: 0, to: difference.count, by: Int(piece)).map {
            ImageDifference(
                offset: difference.offset + $0, count: min(piece, difference.count - $0), exists: true)
        }
    }

    /// Several are read at a time, and written in their order.
    private func write(_ pieces: [ImageDifference], of opened: RBDImage, to stream: OutgoingStream) async throws {
        try await withThrowingTaskGroup(of: (index: Int, bytes: [UInt8]).self) { reads in
            var begun = 0
            var read: [Int: [UInt8]] = [:]
            for (index, piece) in pieces.enumerated() {
                while begun < min(pieces.count, index + Self.window) {
                    let (next, wanted) = (begun, pieces[begun])
                    if wanted.exists { reads.addTask { (next, try await self.bytes(of: wanted, opened)) } }
                    begun += 1
                }
                while piece.exists, read[index] == nil {
                    guard let done = try await reads.next() else { break }
                    read[done.index] = done.bytes
                }
                try await stream.write(Self.record(of: piece, read.removeValue(forKey: index)))
            }
        }
    }

    private func bytes(of piece: ImageDifference, _ opened: RBDImage) async throws -> [UInt8] {
        let bytes = try await patiently { try await opened.read(at: piece.offset, count: Int(piece.count)) }
        guard bytes.count == Int(piece.count) else {
            throw VolumeError(
                .damaged, what, why: "only \(bytes.count) of \(piece.count) bytes at \(piece.offset) could be read")
        }
        return bytes
    }

    /// - Parameter bytes: `nil` where there is nothing any more.
    private static func record(of piece: ImageDifference, _ bytes: [UInt8]?) -> [UInt8] {
        guard let bytes, !bytes.isZero else { return DiffWriter.zeros(at: piece.offset, count: piece.count) }
        return DiffWriter.write(at: piece.offset, count: piece.count) + bytes
    }

    /// Reading changes nothing: where no answer comes, it is tried again for a while.
    private func patiently<Value>(_ body: () async throws -> Value) async throws -> Value {
        let end = ContinuousClock.now + BackupLimits.silence
        while true {
            do {
                return try await body()
            } catch let error as CephError where (error.isTimedOut || error.code == EAGAIN) && .now < end {
                tell(.waiting("\(error)"))
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// A handle that is open read-only is not told when its snapshot goes away, and would read what came after it.
    private func requireSnapshots() async throws {
        let present = try await patiently {
            try await images.withImage(.id(id), .readOnly) { try await $0.snapshots() }.map(\.id)
        }
        for wanted in [snapshot, from].compactMap(\.self) where !present.contains(wanted.id) {
            throw VolumeError(
                .notFound, what, why: "snapshot \(wanted.name) has been removed meanwhile",
                remedy: "'rbd-plugin snapshot hold' keeps a snapshot from being removed")
        }
    }
}

extension [UInt8] {
    var isZero: Bool {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, bytes.first == 0 else { return bytes.isEmpty }
            // Each byte is the same as the one before it.
            return memcmp(base, base + 1, bytes.count - 1) == 0
        }
    }
}
