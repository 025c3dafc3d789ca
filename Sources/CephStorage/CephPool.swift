import CRados
import Glibc

/// The owner of one `rados_ioctx_t`: a pool and a namespace in it, open for the length of a
/// scope on one thread. Going out of scope destroys it (`rados_ioctx_destroy`, which only
/// drops a reference and does not block).
struct CephPool: ~Copyable {
    let location: ImageLocation
    private let context: rados_ioctx_t

    init(opening location: ImageLocation, on cluster: rados_t, _ call: CephCall) throws {
        var context: rados_ioctx_t?
        try call.check(rados_ioctx_create(cluster, location.pool, &context))
        guard let context else { throw call.error(ENOMEM) }
        self.context = context
        self.location = location
        // Set once, before anything else can use the context: later changes would race.
        if !location.namespace.isEmpty { rados_ioctx_set_namespace(context, location.namespace) }
    }

    deinit {
        rados_ioctx_destroy(context)
    }

    /// The pool's number (`rados_ioctx_get_id`).
    var id: Int64 { rados_ioctx_get_id(context) }

    /// Lends the context for one call.
    func withUnsafeContext<T>(_ body: (rados_ioctx_t) throws -> T) rethrows -> T {
        try body(context)
    }
}
