import CRados
import CRbd
import Glibc

extension RBDImages {
    /// Whether an open image may be written to.
    public enum OpenMode: Sendable, Hashable {
        /// Leaves no watch (`rbd_open_read_only`): nobody sees that it is open, and what was
        /// read at the time of opening can grow old.
        case readOnly
        /// Leaves a watch of ours (`rbd_open`): the image cannot be removed meanwhile.
        case readWrite
    }

    /// Opens an image; the caller closes it with ``RBDImage/close(timeout:)``.
    ///
    /// An image that is opened after the deadline is closed again at once.
    /// - Parameter snapshot: opens that snapshot, which is then read-only, in place of the head.
    public func open(
        _ image: ImageKey, _ mode: OpenMode, snapshot: String? = nil, timeout: Duration? = nil
    ) async throws -> RBDImage {
        let call = CephCall.reading(Self.openCall(image, mode), image.subject(in: location))
        if let snapshot { try call.refuseNUL(in: [snapshot]) }
        let (connection, location) = (connection, location)
        return try await connection.perform(
            call, timeout: timeout, onLate: { late in if case .success(let image) = late { image.closeNow() } },
            { cluster in
                let handle = try cluster.withPool(location) { pool in
                    try pool.withUnsafeContext { context in
                        try Self.open(image, mode, snapshot, context, call)
                    }
                }
                return try RBDImage(
                    owning: handle, call: call, location: location, cluster: cluster, connection: connection)
            })
    }

    /// Opens an image for the time of `body` and closes it, whatever happens; in the
    /// background when `body` ran out of time.
    public func withImage<T: Sendable>(
        _ image: ImageKey, _ mode: OpenMode, snapshot: String? = nil, timeout: Duration? = nil,
        _ body: (RBDImage) async throws -> T
    ) async throws -> T {
        try await withImage(image, mode, snapshot: snapshot, timeout: timeout, body) { opened, _ in
            try await opened.close(timeout: timeout)
        }
    }

    /// - Parameter end: what becomes of the image after `body` has succeeded, in place of closing it.
    func withImage<T: Sendable>(
        _ image: ImageKey, _ mode: OpenMode, snapshot: String? = nil, timeout: Duration? = nil,
        _ body: (RBDImage) async throws -> T, end: (RBDImage, T) async throws -> Void
    ) async throws -> T {
        let opened = try await open(image, mode, snapshot: snapshot, timeout: timeout)
        let value: T
        do {
            value = try await body(opened)
        } catch {
            // The first error is the one to tell. Where nothing answers, closing would only
            // make the caller wait once more.
            if error is CancellationError || (error as? CephError)?.isTimedOut == true {
                opened.closeInBackground()
            } else {
                try? await opened.close(timeout: timeout)
            }
            throw error
        }
        try await end(opened, value)
        return value
    }

    private static func openCall(_ image: ImageKey, _ mode: OpenMode) -> String {
        switch (image, mode) {
        case (.name, .readOnly): "rbd_open_read_only"
        case (.name, .readWrite): "rbd_open"
        case (.id, .readOnly): "rbd_open_by_id_read_only"
        case (.id, .readWrite): "rbd_open_by_id"
        }
    }

    private static func open(
        _ image: ImageKey, _ mode: OpenMode, _ snapshot: String?, _ context: rados_ioctx_t, _ call: CephCall
    ) throws -> rbd_image_t {
        var handle: rbd_image_t?
        let code =
            switch (image, mode) {
            case (.name(let name), .readOnly): rbd_open_read_only(context, name, &handle, snapshot)
            case (.name(let name), .readWrite): rbd_open(context, name, &handle, snapshot)
            case (.id(let id), .readOnly): rbd_open_by_id_read_only(context, id, &handle, snapshot)
            case (.id(let id), .readWrite): rbd_open_by_id(context, id, &handle, snapshot)
            }
        try call.check(code)
        guard let handle else { throw call.error(ENOMEM) }
        return handle
    }
}
