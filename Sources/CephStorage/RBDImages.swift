import CRados
import CRbd
import Glibc

/// What an image is opened by: its name or its id.
public enum ImageKey: Sendable, Hashable {
    case name(String)
    /// The id that never changes, as `rbd info` shows it; survives a rename.
    case id(String)

    func subject(in location: ImageLocation) -> CephSubject {
        switch self {
        case .name(let name): .image(location, name: name)
        case .id(let id): .imageID(location, id: id)
        }
    }
}

/// The images of one pool and namespace.
///
/// Every function throws ``CephError`` or `CancellationError`; `timeout` is the deadline of
/// the whole call, connecting included, and defaults to the one in ``CephSettings``. After
/// an error with the outcome *unknown* the call may still be going on in the background.
public struct RBDImages: Sendable {
    public let location: ImageLocation
    let connection: CephConnection

    public init(_ location: ImageLocation, connection: CephConnection) {
        self.location = location
        self.connection = connection
    }

    /// Creates an image (`rbd_create4`).
    /// - Parameters:
    ///   - size: in bytes.
    ///   - removedIfLate: whether an image is removed again that comes to be after its caller was
    ///     told that the deadline has passed. Right where no other call may ever want it.
    /// - Throws: `EEXIST` when there is one of that name, `EDOM` or `EINVAL` for an order or
    ///   striping that cannot be, `ENOENT` for a pool, namespace or data pool that is missing.
    public func create(
        _ name: String, size: UInt64, layout: ImageLayout, removedIfLate: Bool = false, timeout: Duration? = nil
    ) async throws {
        let call = CephCall.changing("rbd_create4", subject(name))
        try call.refuseTooLarge(size)
        let location = location
        try await connection.perform(
            call, timeout: timeout, onLate: removing(name, if: removedIfLate)
        ) { cluster in
            // For an error that names the pool: rbd_create4 says ENOENT of either of them.
            if let dataPool = layout.dataPool { try cluster.withPool(ImageLocation(pool: dataPool)) { _ in } }
            try cluster.withPool(location) { pool in
                let options = try ImageOptions(call)
                try options.set(layout, call)
                try pool.withUnsafeContext { context in
                    try options.withUnsafeOptions { _ = try call.check(rbd_create4(context, name, size, $0)) }
                }
            }
        }
    }

    private func removing(_ name: String, if isWanted: Bool) -> @Sendable (Result<Void, any Error>) -> Void {
        { late in
            guard isWanted, case .success = late else { return }
            Task { try? await remove(name, timeout: .seconds(60)) }
        }
    }

    /// Removes an image (`rbd_remove_with_progress`).
    /// - Throws: `EBUSY` while somebody watches it, `ENOTEMPTY` while it has snapshots.
    public func remove(_ name: String, timeout: Duration? = nil, progress: ImageProgress? = nil) async throws {
        let call = CephCall.changing("rbd_remove", subject(name))
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                try ProgressReport.withCallback(progress) { callback, argument in
                    _ = try call.check(rbd_remove_with_progress(context, name, callback, argument))
                }
            }
        }
    }

    /// Gives an image another name in the same pool and namespace (`rbd_rename`).
    /// - Throws: `EEXIST` when the new name is taken.
    public func rename(_ name: String, to newName: String, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_rename", subject(name))
        try call.refuseNUL(in: [newName])
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { context in
                let code = rbd_rename(context, name, newName)
                if code < 0 { throw call.error(code, detail: "to '\(newName)'") }
            }
        }
    }

    /// The images with their ids, ordered by name (`rbd_list2`).
    public func list(timeout: Duration? = nil) async throws -> [ImageEntry] {
        let call = CephCall.reading("rbd_list2", .images(location))
        return try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { try ImageEntry.list($0, call) }
        }
    }

    /// Makes a writable image out of a snapshot (`rbd_clone3`, clone format 2, so that the
    /// snapshot needs no protection).
    /// - Parameters:
    ///   - parent: where the snapshot is; it may be another pool.
    ///   - removedIfLate: as of `create`.
    /// - Throws: `EEXIST` when there is an image of that name, `ENOENT` for a parent, snapshot or pool that is missing, `EINVAL`
    ///   when the parent lacks the feature layering.
    public func clone(
        _ parent: ImageLocation, image: String, snapshot: String, to name: String, layout: ImageLayout,
        removedIfLate: Bool = false, timeout: Duration? = nil
    ) async throws {
        let call = CephCall.changing("rbd_clone3", .snapshot(parent, image: image, name: snapshot))
        try call.refuseNUL(in: subject(name).texts + [layout.dataPool ?? ""])
        let child = location
        try await connection.perform(
            call, timeout: timeout, onLate: removing(name, if: removedIfLate)
        ) { cluster in
            if let dataPool = layout.dataPool { try cluster.withPool(ImageLocation(pool: dataPool)) { _ in } }
            try cluster.withPool(parent) { parentPool in
                let parentContext = parentPool.withUnsafeContext { $0 }
                try cluster.withPool(child) { childPool in
                    let options = try ImageOptions(call)
                    try options.set(layout, call)
                    try options.setCloneFormat(2, call)
                    try childPool.withUnsafeContext { context in
                        try options.withUnsafeOptions {
                            _ = try call.check(rbd_clone3(parentContext, image, snapshot, context, name, $0))
                        }
                    }
                }
            }
        }
    }

    func subject(_ name: String) -> CephSubject { .image(location, name: name) }

    func inPool<T: Sendable>(
        _ call: CephCall, _ timeout: Duration?, _ body: @escaping @Sendable (borrowing CephPool) throws -> T
    ) async throws -> T {
        try await connection.withPool(location, call, timeout: timeout, body)
    }
}

/// One image of a list.
public struct ImageEntry: Sendable, Hashable {
    public let id: String
    public let name: String

    static func list(_ context: rados_ioctx_t, _ call: CephCall) throws -> [ImageEntry] {
        try GrowingBuffer.call(of: rbd_image_spec_t.self, capacity: 64, call) { specs, size in
            rbd_list2(context, specs, &size)
        } read: { specs, _, count in
            defer { rbd_image_spec_list_cleanup(specs, count) }
            return (0..<count)
                .map { ImageEntry(id: String(cString: specs[$0].id), name: String(cString: specs[$0].name)) }
                .sorted { $0.name < $1.name }
        }
    }
}
