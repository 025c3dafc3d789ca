import CRados
import CRbd
import Glibc

/// Who holds the exclusive lock of an image.
public struct ImageLockOwner: Sendable, Hashable {
    /// The client's address in Ceph's words.
    public let shownAddress: String
    /// The client as Ceph names it, such as `client.4123`.
    public let client: String
    /// Tells the locks of one client apart. Those that librbd and the kernel take by
    /// themselves begin with `auto `.
    public let cookie: String
}

extension ImageLockOwner: ShownClient {
    static let role = "holds the lock of"
}

// The lock is read and broken where it is kept: on the image's header object. librbd's own
// calls do not serve here. rbd_lock_get_owners and rbd_lock_break fail with EINVAL on an image
// that is open read-only, so that whoever asks would have to watch the image first; and
// breaking through librbd also blocklists the owner, for as long as its configuration says.
// Fencing is a step of its own, for a time of its own.
extension RBDImage {
    /// Who holds the image's lock at this moment (`rados_list_lockers`); empty when nobody
    /// does. Works on an image that is open read-only.
    public func lockOwners(timeout: Duration? = nil) async throws -> [ImageLockOwner] {
        let call = CephCall.reading("rados_list_lockers", subject)
        return try await withHeader(call, timeout: timeout) { context, header in
            try LockerList.read(context, header, call)
        }
    }

    /// Takes the lock from an owner (`rados_break_lock`). Blocklist that client first:
    /// breaking alone keeps nobody from writing, and a client that is alive takes the lock
    /// again. Works on an image that is open read-only.
    /// - Returns: false when that owner does not hold it (any more).
    @discardableResult
    public func breakLock(of owner: ImageLockOwner, timeout: Duration? = nil) async throws -> Bool {
        let call = CephCall.changing("rados_break_lock", subject)
        return try await withHeader(call, timeout: timeout) { context, header in
            let code = rados_break_lock(context, header, LockerList.lockName, owner.client, owner.cookie)
            if code == -ENOENT { return false }
            if code < 0 { throw call.error(code, detail: "held by \(owner.client)") }
            return true
        }
    }

    private func withHeader<T: Sendable>(
        _ call: CephCall, timeout: Duration?, _ body: @escaping @Sendable (rados_ioctx_t, String) throws -> T
    ) async throws -> T {
        let (cluster, location) = (cluster, location)
        return try await perform(call, timeout: timeout) { image in
            let header = try Self.headerObject(of: image, call.subject)
            return try cluster.withPool(location) { pool in
                try pool.withUnsafeContext { try body($0, header) }
            }
        }
    }

    /// The object that an image's lock and watches are on; part of the format on disk.
    private static func headerObject(of image: rbd_image_t, _ subject: CephSubject) throws -> String {
        var isOldFormat: UInt8 = 0
        try CephCall.reading("rbd_get_old_format", subject).check(rbd_get_old_format(image, &isOldFormat))
        if isOldFormat != 0 {
            return try GrowingBuffer.string(.reading("rbd_get_name", subject)) { rbd_get_name(image, $0, &$1) } + ".rbd"
        }
        let id = try GrowingBuffer.string(.reading("rbd_get_id", subject)) { rbd_get_id(image, $0, $1) }
        return RBDImages.headerObject(of: id)
    }
}

private enum LockerList {
    /// RBD_LOCK_NAME of Ceph's sources.
    static let lockName = "rbd_lock"

    static func read(_ context: rados_ioctx_t, _ header: String, _ call: CephCall) throws -> [ImageLockOwner] {
        // Four answers in one call, each with a size of its own: they share one capacity here.
        try GrowingBuffer.call(of: CChar.self, capacity: 4 * 256, call) { buffer, size in
            let part = size / 4
            var (exclusive, tags): (CInt, Int) = (0, part)
            var (clients, cookies, addresses) = (part, part, part)
            let count = rados_list_lockers(
                context, header, lockName, &exclusive, buffer + 3 * part, &tags, buffer, &clients,
                buffer + part, &cookies, buffer + 2 * part, &addresses)
            if count == -Int(ERANGE) { size = 4 * max(tags, clients, cookies, addresses, 2 * part) }
            return CInt(clamping: count)
        } read: { buffer, count, size in
            let part = size / 4
            let columns = (0..<3).map { strings(buffer + $0 * part, count: Int(count)) }
            return (0..<Int(count)).map { index in
                ImageLockOwner(
                    shownAddress: columns[2][index], client: columns[0][index], cookie: columns[1][index])
            }
        }
    }

    /// So many strings, each ended by a NUL. Unlike in a list of names, one can be empty.
    private static func strings(_ buffer: UnsafeMutablePointer<CChar>, count: Int) -> [String] {
        var next = UnsafePointer(buffer)
        return (0..<count).map { _ in
            let string = String(cString: next)
            next += strlen(next) + 1
            return string
        }
    }
}
