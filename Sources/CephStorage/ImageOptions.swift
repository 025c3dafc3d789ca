import CRados
import CRbd
import Glibc
import VolumeCore

/// How an image is to be laid out. Every value is set explicitly when it is given; what is
/// nil is left to the cluster's configuration.
public struct ImageLayout: Sendable, Hashable {
    /// The object size as a power of two: 22 makes objects of 4 MiB. 12 to 25.
    public var order: UInt8
    public var features: ImageFeatures
    /// The pool that takes the data, when it is not the image's own (for erasure-coded pools).
    public var dataPool: String?
    /// Only with the feature of that name.
    public var striping: ImageStriping?

    public init(
        order: UInt8 = 22, features: ImageFeatures = .standard, dataPool: String? = nil,
        striping: ImageStriping? = nil
    ) {
        self.order = order
        self.features = features
        self.dataPool = dataPool
        self.striping = striping
    }
}

extension ImageLayout {
    init(_ spec: VolumeSpec) {
        self.init(
            order: spec.order, features: spec.featuresOfImage, dataPool: spec.dataPool.isEmpty ? nil : spec.dataPool,
            striping: spec.striping)
    }
}

/// The owner of one `rbd_image_options_t`, for the length of a scope.
struct ImageOptions: ~Copyable {
    private let options: rbd_image_options_t

    private init(owning options: rbd_image_options_t) {
        self.options = options
    }

    /// Empty options (`rbd_image_options_create`).
    init(_ call: CephCall) throws {
        var created: rbd_image_options_t?
        rbd_image_options_create(&created)
        guard let created else { throw call.error(ENOMEM) }
        self.init(owning: created)
    }

    deinit {
        rbd_image_options_destroy(options)
    }

    func set(_ layout: ImageLayout, _ call: CephCall) throws {
        // Ceph takes 0 for "the default", which is not what was asked for.
        if layout.order == 0 { throw call.error(EDOM, detail: "order 0") }
        // Format 2, whatever 'rbd default format' says: format 1 has no features.
        try set(RBD_IMAGE_OPTION_FORMAT, 2, call)
        try set(RBD_IMAGE_OPTION_ORDER, UInt64(layout.order), call)
        try set(RBD_IMAGE_OPTION_FEATURES, layout.features.rawValue, call)
        if let striping = layout.striping {
            try set(RBD_IMAGE_OPTION_STRIPE_UNIT, striping.unit, call)
            try set(RBD_IMAGE_OPTION_STRIPE_COUNT, striping.count, call)
        }
        if let pool = layout.dataPool {
            try call.check(
                rbd_image_options_set_string(options, CInt(RBD_IMAGE_OPTION_DATA_POOL), pool))
        }
    }

    /// Sets the clone format: 2 needs no protected snapshot (`RBD_IMAGE_OPTION_CLONE_FORMAT`).
    func setCloneFormat(_ format: UInt64, _ call: CephCall) throws {
        try set(RBD_IMAGE_OPTION_CLONE_FORMAT, format, call)
    }

    /// Lends the options for one call.
    func withUnsafeOptions<T>(_ body: (rbd_image_options_t) throws -> T) rethrows -> T {
        try body(options)
    }

    private func set(_ option: Int, _ value: UInt64, _ call: CephCall) throws {
        try call.check(rbd_image_options_set_uint64(options, CInt(option), value))
    }
}
