import CRbd
import Glibc
import VolumeCore

/// Somebody who has an image open for writing, or mapped.
public struct ImageWatcher: Sendable, Hashable {
    /// The client's address, as the blocklist takes it. Nil when Ceph names none.
    public let address: ClientAddress?
    /// The client's number, as in `client.4123`.
    public let clientID: Int64
    public let cookie: UInt64

    static func list(_ image: rbd_image_t, _ call: CephCall) throws -> [ImageWatcher] {
        try GrowingBuffer.call(of: rbd_image_watcher_t.self, capacity: 8, call) { watchers, size in
            rbd_watchers_list(image, watchers, &size)
        } read: { watchers, _, count in
            defer { rbd_watchers_list_cleanup(watchers, count) }
            return (0..<count).map {
                ImageWatcher(
                    address: ClientAddress.list(String(cString: watchers[$0].addr)).first,
                    clientID: watchers[$0].id, cookie: watchers[$0].cookie)
            }
        }
    }
}

/// Who holds the managed exclusive lock of an image.
public struct ImageLockOwner: Sendable, Hashable {
    /// The client's address, as the blocklist takes it. Nil when Ceph names none.
    public let address: ClientAddress?
    /// The owner in Ceph's own words, by which its lock is broken.
    public let name: String

    init(_ name: String) {
        self.name = name
        self.address = ClientAddress.list(name).first
    }
}

extension RBDImage {
    /// Who watches the image (`rbd_watchers_list`). An image that is open read-write here is
    /// among its own watchers; open it read-only to see only others.
    public func watchers(timeout: Duration? = nil) async throws -> [ImageWatcher] {
        let call = CephCall.reading("rbd_watchers_list", subject)
        return try await perform(call, timeout: timeout) { try ImageWatcher.list($0, call) }
    }

    /// Who holds the exclusive lock (`rbd_lock_get_owners`); empty when nobody does, or when
    /// the image has no such feature.
    public func lockOwners(timeout: Duration? = nil) async throws -> [ImageLockOwner] {
        let call = CephCall.reading("rbd_lock_get_owners", subject)
        return try await perform(call, timeout: timeout) { image in
            do {
                return try GrowingBuffer.call(of: UnsafeMutablePointer<CChar>?.self, capacity: 4, call) {
                    owners, size in
                    var mode = RBD_LOCK_MODE_EXCLUSIVE
                    return rbd_lock_get_owners(image, &mode, owners, &size)
                } read: { owners, _, count in
                    defer { rbd_lock_get_owners_cleanup(owners, count) }
                    return (0..<count).compactMap { owners[$0].map { ImageLockOwner(String(cString: $0)) } }
                }
            } catch let error as CephError where error.isNotFound || error.code == EINVAL {
                return []
            }
        }
    }

    /// Takes the exclusive lock from an owner (`rbd_lock_break`). Blocklist that client
    /// first: breaking alone does not keep it from writing.
    public func breakLock(of owner: ImageLockOwner, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_lock_break", subject)
        try await perform(call, timeout: timeout) { image in
            let code = rbd_lock_break(image, RBD_LOCK_MODE_EXCLUSIVE, owner.name)
            if code < 0 { throw call.error(code, detail: "of \(owner.name)") }
        }
    }
}
