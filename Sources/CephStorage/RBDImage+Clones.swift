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
    /// The clones of all the image's snapshots, those included that were removed and that Ceph keeps for them
    /// (`rbd_list_children3`).
    public func clones(timeout: Duration? = nil) async throws -> [ImageClone] {
        let call = CephCall.reading("rbd_list_children3", subject)
        return try await perform(call, timeout: timeout) { image in
            try GrowingBuffer.call(of: rbd_linked_image_spec_t.self, capacity: 16, call) { specs, size in
                rbd_list_children3(image, specs, &size)
            } read: { specs, _, count in
                defer { rbd_linked_image_spec_list_cleanup(specs, count) }
                return (0..<count).map { ImageClone(specs[$0]) }.sorted { $0.name < $1.name }
            }
        }
    }
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
