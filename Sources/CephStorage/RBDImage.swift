import Blocking
import CRbd
import FoundationEssentials
import Glibc
import VolumeCore

/// An open image: the owner of one `rbd_image_t`.
///
/// It keeps its connection up until it is closed. Close it with ``close(timeout:)``; one
/// that is forgotten is closed in the background.
public final class RBDImage: Sendable {
    public let location: ImageLocation
    /// The client that has it open, as in `client.4123`: for telling our own watch from others.
    public var clientID: UInt64 { cluster.instanceID }

    package let subject: CephSubject
    private let handle: OwnedHandle
    let cluster: CephCluster
    private let connection: CephConnection

    /// Takes over an open image. Closes it when that fails.
    init(
        owning raw: rbd_image_t, call: CephCall, location: ImageLocation, cluster: CephCluster,
        connection: CephConnection
    ) throws {
        do {
            try cluster.retain(call)
        } catch {
            rbd_close(raw)
            throw error
        }
        self.handle = OwnedHandle(
            raw, closeCall: "rbd_close", background: connection.upkeep, in: location.pool
        ) { raw in
            // The connection may only go after its last image.
            defer { cluster.release() }
            return rbd_close(raw)
        }
        self.subject = call.subject
        self.location = location
        self.cluster = cluster
        self.connection = connection
    }

    /// Closes the image (`rbd_close`), which writes out what is cached and ends its watch.
    /// Closing it again does nothing.
    /// - Throws: ``CephError``; with `EBUSY` when a call is still in it, which then closes it
    ///   on its return.
    public func close(timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_close", subject)
        let handle = handle
        let closing = try await connection.perform(call, on: cluster, by: connection.deadline(timeout)) {
            handle.close()
        }
        switch closing {
        case .closed(let code): try call.check(code)
        case .deferred: throw call.error(EBUSY, detail: "a call is still using it, and closes it when it returns")
        case .already: break
        }
    }

    /// Has the image closed without waiting for it.
    func closeInBackground() {
        let handle = handle
        connection.upkeep.submit("rbd_close", in: location.pool) { _ = handle.close() }
    }

    /// Closes the image on the current thread, for one that nobody waits for. Blocks.
    func closeNow() {
        _ = handle.close()
    }

    /// Makes one blocking call on the image, on a thread for such calls.
    func perform<T: Sendable>(
        _ call: CephCall, timeout: Duration?, _ body: @escaping @Sendable (rbd_image_t) throws -> T
    ) async throws -> T {
        let handle = handle
        return try await connection.perform(call, on: cluster, by: connection.deadline(timeout)) {
            try handle.withUnsafeHandle(call, body)
        }
    }

    // MARK: What it is

    /// Size, layout, features, id and parent (`rbd_stat` and its companions).
    public func stat(timeout: Duration? = nil) async throws -> ImageStat {
        let call = CephCall.reading("rbd_stat", subject)
        return try await perform(call, timeout: timeout) { try ImageStat(of: $0, call) }
    }

    /// The size in bytes (`rbd_get_size`).
    public func size(timeout: Duration? = nil) async throws -> UInt64 {
        let call = CephCall.reading("rbd_get_size", subject)
        return try await perform(call, timeout: timeout) { image in
            var size: UInt64 = 0
            try call.check(rbd_get_size(image, &size))
            return size
        }
    }

    /// Changes the size (`rbd_resize2`).
    /// - Parameters:
    ///   - size: in bytes.
    ///   - allowShrink: without it a smaller size is refused with `EINVAL`: shrinking throws
    ///     data away.
    public func resize(
        to size: UInt64, allowShrink: Bool = false, timeout: Duration? = nil, progress: ImageProgress? = nil
    ) async throws {
        let call = CephCall.changing("rbd_resize2", subject)
        try call.refuseTooLarge(size)
        try await perform(call, timeout: timeout) { image in
            try ProgressReport.withCallback(progress) { callback, argument in
                _ = try call.check(rbd_resize2(image, size, allowShrink, callback, argument))
            }
        }
    }

    /// Switches features on or off (`rbd_update_features`).
    public func setFeatures(_ features: ImageFeatures, enabled: Bool, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_update_features", subject)
        try await perform(call, timeout: timeout) { image in
            _ = try call.check(rbd_update_features(image, features.rawValue, enabled ? 1 : 0))
        }
    }
}
