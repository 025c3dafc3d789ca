import CRbd
import Glibc

/// Somebody who has an image open for writing, or mapped.
public struct ImageWatcher: Sendable, Hashable {
    /// The client's address in Ceph's words.
    public let shownAddress: String
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
                    shownAddress: String(cString: watchers[$0].addr), clientID: watchers[$0].id,
                    cookie: watchers[$0].cookie)
            }
        }
    }
}

extension ImageWatcher: ShownClient {
    public var client: String { "client.\(clientID)" }
    static let role = "watches"
}

extension RBDImage {
    /// Who watches the image (`rbd_watchers_list`). An image that is open read-write here is
    /// among its own watchers; open it read-only to see only others.
    public func watchers(timeout: Duration? = nil) async throws -> [ImageWatcher] {
        let call = CephCall.reading("rbd_watchers_list", subject)
        return try await perform(call, timeout: timeout) { try ImageWatcher.list($0, call) }
    }
}
