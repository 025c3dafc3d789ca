import CRbd
import FoundationEssentials
import Glibc
import VolumeCore

/// What an image is.
public struct ImageStat: Sendable, Hashable {
    /// The snapshot that an image was cloned from.
    public struct Parent: Sendable, Hashable {
        public let location: ImageLocation
        public let image: String
        public let imageID: String
        public let snapshot: String
        public let snapshotID: UInt64
        public let isInTrash: Bool
    }

    /// The image's name and its id, which stays the same through a rename.
    public let name: String
    public let id: String
    /// In bytes.
    public let size: UInt64
    /// The object size as a power of two.
    public let order: UInt8
    public let objectCount: UInt64
    public let features: ImageFeatures
    public let stripeUnit: UInt64
    public let stripeCount: UInt64
    /// The number of the data pool, or of the image's own pool.
    public let dataPoolID: Int64
    public let createdAt: Date
    public let parent: Parent?

    init(of image: rbd_image_t, _ call: CephCall) throws {
        var info = rbd_image_info_t()
        try call.check(rbd_stat(image, &info, MemoryLayout<rbd_image_info_t>.size))
        size = info.size
        order = UInt8(clamping: info.order)
        objectCount = info.num_objs

        let subject = call.subject
        name = try GrowingBuffer.string(.reading("rbd_get_name", subject)) { rbd_get_name(image, $0, &$1) }
        id = try GrowingBuffer.string(.reading("rbd_get_id", subject)) { rbd_get_id(image, $0, $1) }
        features = ImageFeatures(
            rawValue: try Self.number("rbd_get_features", subject) { rbd_get_features(image, $0) })
        stripeUnit = try Self.number("rbd_get_stripe_unit", subject) { rbd_get_stripe_unit(image, $0) }
        stripeCount = try Self.number("rbd_get_stripe_count", subject) { rbd_get_stripe_count(image, $0) }
        dataPoolID = rbd_get_data_pool_id(image)

        var created = timespec()
        try CephCall.reading("rbd_get_create_timestamp", subject)
            .check(rbd_get_create_timestamp(image, &created))
        createdAt = Date(created)
        parent = try Parent(of: image, subject)
    }

    private static func number(
        _ name: String, _ subject: CephSubject, _ get: (UnsafeMutablePointer<UInt64>) -> CInt
    ) throws -> UInt64 {
        var value: UInt64 = 0
        try CephCall.reading(name, subject).check(get(&value))
        return value
    }
}

extension ImageStat.Parent {
    /// The parent (`rbd_get_parent`), or nil for an image that is no clone.
    init?(of image: rbd_image_t, _ subject: CephSubject) throws {
        var spec = rbd_linked_image_spec_t()
        var snapshot = rbd_snap_spec_t()
        let code = rbd_get_parent(image, &spec, &snapshot)
        if code == -ENOENT { return nil }
        try CephCall.reading("rbd_get_parent", subject).check(code)
        defer {
            rbd_linked_image_spec_cleanup(&spec)
            rbd_snap_spec_cleanup(&snapshot)
        }
        location = ImageLocation(
            pool: String(cString: spec.pool_name), namespace: String(cString: spec.pool_namespace))
        self.image = String(cString: spec.image_name)
        imageID = String(cString: spec.image_id)
        self.snapshot = String(cString: snapshot.name)
        snapshotID = snapshot.id
        isInTrash = spec.trash
    }
}

extension Date {
    /// The time that librbd keeps as seconds and nanoseconds since 1970.
    init(_ time: timespec) {
        self.init(timeIntervalSince1970: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }
}
