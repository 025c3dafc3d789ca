import VolumeCore

/// What bounds how much is asked of Ceph and the kernel at a time.
///
/// Operations are counted, not calls: the first ones are done soon and not all of them late. And they are counted by
/// pool, so that one that hangs holds up its own volumes and no others. An operation that only waits, for another node,
/// or that only asks etcd, has no slot.
extension VolumeDriver {
    /// How much it has to do right now.
    public var load: OperationsLoad { slots.load }

    /// Runs `body` as one of the operations on volumes of the pool, in the order of arrival.
    /// - Parameter what: what cannot be done if there is no free slot in time.
    func inSlot<Value: Sendable>(
        of pool: String, to what: String, _ body: () async throws -> Value
    ) async throws -> Value {
        try await slots.take(
            pool, clock: ports.clock,
            else: VolumeError(
                .timedOut, what,
                why: "\(settings.operationsPerPool) operations on volumes of pool \(pool) are still running",
                remedy:
                    "try again; if it lasts, check 'ceph -s'. OPERATIONS_PER_POOL sets how many may run at a time",
                outcome: .refused),
            body)
    }

    /// Runs work that nobody waits for: only when there is a slot that nobody who is waited for could have.
    func inFreeSlot(of pool: String, _ body: () async throws -> Void) async rethrows {
        try await slots.takeIfFree(pool, body)
    }
}

/// How many operations are at work, and how many wait for their turn.
public struct OperationsLoad: Sendable, Hashable {
    public var atWork: Int
    public var waiting: Int
}

extension StoredVolume {
    /// The pool of the volume's image; empty when no record says so.
    var pool: String { volume?.record.image.pool ?? "" }
}
