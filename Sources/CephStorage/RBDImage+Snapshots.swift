import CRbd
import FoundationEssentials
import Glibc

/// A snapshot of an image.
public struct ImageSnapshot: Sendable, Hashable {
    public let id: UInt64
    public let name: String
    /// The size of the image when it was taken, in bytes.
    public let size: UInt64
    public let createdAt: Date
    /// Protected snapshots cannot be removed.
    public let isProtected: Bool
    /// False for those that Ceph keeps for itself: of groups, mirroring and the trash.
    public let isByUser: Bool
    /// Mirroring makes and removes its own.
    public let isOfMirroring: Bool

    /// `nil` for one that is no reason to keep the image.
    var nameForPeople: String? {
        if isOfMirroring { return nil }
        return isByUser ? name : "\(name) (kept by Ceph, as for a clone)"
    }
}

extension RBDImage {
    /// The image's snapshots, oldest first (`rbd_snap_list`).
    public func snapshots(timeout: Duration? = nil) async throws -> [ImageSnapshot] {
        let call = CephCall.reading("rbd_snap_list", subject)
        return try await perform(call, timeout: timeout) { image in
            try GrowingBuffer.call(of: rbd_snap_info_t.self, capacity: 4, call) { snapshots, size in
                var most = CInt(clamping: size)
                let count = rbd_snap_list(image, snapshots, &most)
                size = Int(most)
                return count
            } read: { snapshots, count, _ in
                // Frees the names; it stops at an entry without one, which librbd adds.
                defer { if count > 0 { rbd_snap_list_end(snapshots) } }
                return try (0..<Int(count))
                    .map { try ImageSnapshot(snapshots[$0], of: image, call.subject) }
                    .sorted { $0.id < $1.id }
            }
        }
    }

    /// Takes a snapshot (`rbd_snap_create2`).
    /// - Throws: `EEXIST` when there is one of that name.
    public func createSnapshot(_ name: String, timeout: Duration? = nil) async throws {
        try await snapshotCall("rbd_snap_create2", name, timeout) { image in
            ProgressReport.withCallback(nil) { rbd_snap_create2(image, name, 0, $0, $1) }
        }
    }

    /// Removes a snapshot (`rbd_snap_remove2`).
    /// - Throws: `EBUSY` while it is protected.
    public func removeSnapshot(_ name: String, timeout: Duration? = nil, progress: ImageProgress? = nil) async throws {
        try await snapshotCall("rbd_snap_remove2", name, timeout) { image in
            ProgressReport.withCallback(progress) { rbd_snap_remove2(image, name, 0, $0, $1) }
        }
    }

    /// Removes a snapshot by its number (`rbd_snap_remove_by_id`), which no other snapshot ever has. One that a clone of the
    /// newer kind needs, Ceph keeps out of sight until the clone needs it no more.
    /// - Throws: `ENOENT` when there is none, `EBUSY` while it is protected.
    public func removeSnapshot(id: UInt64, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_snap_remove_by_id", subject)
        try await perform(call, timeout: timeout) { image in
            let code = rbd_snap_remove_by_id(image, id)
            if code < 0 { throw call.error(code, detail: "snapshot \(id)") }
        }
    }

    /// Protects a snapshot from removal (`rbd_snap_protect`). One that is protected already
    /// is left so.
    public func protectSnapshot(_ name: String, timeout: Duration? = nil) async throws {
        try await snapshotCall("rbd_snap_protect", name, timeout) { image in
            let code = rbd_snap_protect(image, name)
            return code == -EBUSY ? 0 : code
        }
    }

    /// Lets a snapshot be removed again (`rbd_snap_unprotect`). One that is not protected is
    /// left so.
    /// - Throws: `EBUSY` while it has clones.
    public func unprotectSnapshot(_ name: String, timeout: Duration? = nil) async throws {
        try await snapshotCall("rbd_snap_unprotect", name, timeout) { image in
            let code = rbd_snap_unprotect(image, name)
            return code == -EINVAL ? 0 : code
        }
    }

    /// Brings the image back to a snapshot (`rbd_snap_rollback_with_progress`): what was
    /// written since is lost. Nobody may have the image mapped.
    public func rollBack(to name: String, timeout: Duration? = nil, progress: ImageProgress? = nil) async throws {
        try await snapshotCall("rbd_snap_rollback", name, timeout) { image in
            ProgressReport.withCallback(progress) { rbd_snap_rollback_with_progress(image, name, $0, $1) }
        }
    }

    private func snapshotCall(
        _ function: String, _ name: String, _ timeout: Duration?, _ body: @escaping @Sendable (rbd_image_t) -> CInt
    ) async throws {
        let call = CephCall.changing(function, subject)
        try call.refuseNUL(in: [name])
        try await perform(call, timeout: timeout) { image in
            let code = body(image)
            if code < 0 { throw call.error(code, detail: "snapshot '\(name)'") }
        }
    }
}

extension ImageSnapshot {
    fileprivate init(_ info: rbd_snap_info_t, of image: rbd_image_t, _ subject: CephSubject) throws {
        id = info.id
        name = String(cString: info.name)
        size = info.size

        var created = timespec()
        try CephCall.reading("rbd_snap_get_timestamp", subject)
            .check(rbd_snap_get_timestamp(image, info.id, &created))
        createdAt = Date(created)

        var kind = RBD_SNAP_NAMESPACE_TYPE_USER
        try CephCall.reading("rbd_snap_get_namespace_type", subject)
            .check(rbd_snap_get_namespace_type(image, info.id, &kind))
        isByUser = kind == RBD_SNAP_NAMESPACE_TYPE_USER
        isOfMirroring = kind == RBD_SNAP_NAMESPACE_TYPE_MIRROR

        var protected: CInt = 0
        if isByUser {
            try CephCall.reading("rbd_snap_is_protected", subject)
                .check(rbd_snap_is_protected(image, info.name, &protected))
        }
        isProtected = protected != 0
    }
}
