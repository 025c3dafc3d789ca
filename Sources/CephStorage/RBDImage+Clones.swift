import CRbd

/// A clone of an image.
public struct ImageClone: Sendable, Hashable {
    public let location: ImageLocation
    /// Its name; in the trash that which it had.
    public let name: String
    public let id: String
    public let isInTrash: Bool
}

extension RBDImage {
    /// The clones of the image's snapshots (`rbd_list_children3`).
    /// - Parameter snapshot: the number of the snapshot whose clones are listed. `nil` lists the clones of all snapshots, and of removed
    ///   ones that Ceph keeps for their clones.
    public func clones(madeOf snapshot: UInt64? = nil, timeout: Duration? = nil) async throws -> [ImageClone] {
        let call = CephCall.reading("rbd_list_children3", subject)
        return try await perform(call, timeout: timeout) { image in
            // It lists the clones of what the handle shows.
            if let snapshot { _ = try call.check(rbd_snap_set_by_id(image, snapshot)) }
            defer { if snapshot != nil { rbd_snap_set_by_id(image, Self.noSnapshot) } }
            return try GrowingBuffer.call(of: rbd_linked_image_spec_t.self, capacity: 16, call) { specs, size in
                rbd_list_children3(image, specs, &size)
            } read: { specs, _, count in
                defer { rbd_linked_image_spec_list_cleanup(specs, count) }
                return (0..<count).map { ImageClone(specs[$0]) }.sorted { $0.name < $1.name }
            }
        }
    }

    /// `CEPH_NOSNAP`: the image as it is now.
    private static let noSnapshot = UInt64.max - 1
}

extension ImageClone {
    fileprivate init(_ spec: rbd_linked_image_spec_t) {
        location = ImageLocation(
            pool: String(cString: spec.pool_name), namespace: String(cString: spec.pool_namespace))
        name = String(cString: spec.image_name)
        id = String(cString: spec.image_id)
        isInTrash = spec.trash
    }
}
