import CephStorage
import DiffStream
import VolumeCore

/// Brings an image from one snapshot to the next by a stream that has what changed between them.
///
/// The image is open from the first look on, so no node mounts it. Before the first byte is written, the image itself says that it
/// is being rolled back to the earlier snapshot; it says so until the last byte is on disk. So whatever happens in between, nobody
/// mounts a mixture, and a rollback makes the image whole again.
public struct VolumeUpdate {
    private let diff: IncomingDiff
    private let head: DiffHead
    private let what: String
    private let snapshots: CephSnapshotStore
    private let connection: CephConnection
    private let tell: @Sendable (BackupProgress) -> Void

    /// - Parameters:
    ///   - head: what the stream has said of itself.
    ///   - what: what is done, for errors: `import volume db`.
    public init(
        _ diff: IncomingDiff, _ head: DiffHead, _ what: String, snapshots: CephSnapshotStore,
        connection: CephConnection, tell: @escaping @Sendable (BackupProgress) -> Void
    ) {
        self.diff = diff
        self.head = head
        self.what = what
        self.snapshots = snapshots
        self.connection = connection
        self.tell = tell
    }

    /// - Parameters:
    ///   - isHalfDone: whether an earlier update from that snapshot has broken off.
    ///   - claim: is called when the image is open, and before anything is changed.
    ///   - finish: is called when all of it is on disk.
    public func apply(
        to image: ImageReference, id: String, from: VolumeSnapshot, isHalfDone: Bool,
        claim: () async throws -> Void, finish: () async throws -> Void
    ) async throws {
        do {
            let images = RBDImages(ImageLocation(image), connection: connection)
            try await images.withImage(.id(id), .readWrite) { opened in
                do {
                    try await claim()
                    if isHalfDone { try await Self.rollBack(opened, image, id, to: from, snapshots) }
                    try await requireUnchanged(opened, images, id, since: from)
                    try await change(opened, image, id, from: from, finish)
                } catch {
                    // Also where it was interrupted: an image that is still open when the program ends looks as if it were in use.
                    try? await Task { try await opened.close(timeout: BackupLimits.manyRequests) }.value
                    throw error
                }
            }
        } catch let error as CephError {
            throw VolumeError(ceph: error, what)
        }
    }

    /// From here on the image is to be all of the one or all of the other.
    private func change(
        _ opened: RBDImage, _ image: ImageReference, _ id: String, from: VolumeSnapshot,
        _ finish: () async throws -> Void
    ) async throws {
        do {
            try await snapshots.noteRollBack(of: image, id: id, to: from.id)
            if from.size.bytes < head.size {
                try await opened.resize(to: head.size, timeout: BackupLimits.manyRequests)
            }
            var writing = ImageImport(into: opened, size: head.size, isBlank: false, tell: tell)
            try await writing.take(diff)
            try await finish()
            try await snapshots.acceptHalfRolledBack(image, id: id)
        } catch {
            try await undo(opened, image, id, to: from, after: error)
            throw error
        }
    }

    /// What the stream has is of use only on top of what its earlier snapshot held.
    private func requireUnchanged(
        _ opened: RBDImage, _ images: RBDImages, _ id: String, since from: VolumeSnapshot
    ) async throws {
        let size = try await opened.size()
        guard head.size >= size else {
            throw VolumeError(
                .unsupported, what, why: "it would make the volume smaller: from \(size) to \(head.size) bytes",
                remedy: "import a whole backup as a new volume", outcome: .refused)
        }
        let isAsBefore = try await images.withImage(.id(id), .readOnly, snapshot: from.name) { snapshot in
            guard size == from.size.bytes else { return false }
            return try await isSame(opened, snapshot, from, size)
        }
        guard isAsBefore else {
            throw VolumeError(
                .conflict, what, why: "the volume has changed since snapshot \(from.name)",
                remedy: "bring it back to that with 'rbd-plugin snapshot rollback', then repeat", outcome: .refused)
        }
    }

    /// After a rollback Ceph says of all that was rolled back that it differs: what counts are the bytes.
    private func isSame(
        _ opened: RBDImage, _ snapshot: RBDImage, _ from: VolumeSnapshot, _ size: UInt64
    ) async throws -> Bool {
        let differences = try await opened.differences(
            from: from.name, at: 0, count: size, timeout: CephSnapshotStore.copying)
        for piece in differences.flatMap({ SnapshotExport.pieces(of: $0, isThere: true) }) {
            try Task.checkCancellation()
            async let now = opened.read(at: piece.offset, count: Int(piece.count))
            async let then = snapshot.read(at: piece.offset, count: Int(piece.count))
            guard try await now == then else { return false }
        }
        return true
    }

    private static func rollBack(
        _ opened: RBDImage, _ image: ImageReference, _ id: String, to from: VolumeSnapshot,
        _ snapshots: CephSnapshotStore
    ) async throws {
        try await opened.rollBack(to: from.name, timeout: CephSnapshotStore.copying)
        try await snapshots.acceptHalfRolledBack(image, id: id)
    }

    /// Brings the image back to what it was. It runs in its own task, so an interrupted import is brought back too.
    ///
    /// A write that got no answer may still arrive, even after a rollback. The image then keeps saying that it is not whole.
    /// - Throws: `VolumeError` which says that the image is not whole.
    private func undo(
        _ opened: RBDImage, _ image: ImageReference, _ id: String, to from: VolumeSnapshot, after error: any Error
    ) async throws {
        let mayComeLate = (error as? CephError)?.isTimedOut == true || (error as? VolumeError)?.code == .timedOut
        var undone = error
        if !mayComeLate {
            let rollingBack = Task { [snapshots] in
                try await Self.rollBack(opened, image, id, to: from, snapshots)
            }
            do { return try await rollingBack.value } catch let failure { undone = failure }
        }
        throw VolumeError(
            .unfinished, what, why: "it broke off, and the volume could not be brought back: \(undone)",
            remedy: "no node mounts it before 'rbd-plugin snapshot rollback' has brought it back to \(from.name)",
            outcome: .unknown)
    }
}
