/// Shuts a client out of Ceph for good: the only thing that makes it safe to map what another node had.
public protocol Fence: Sendable {
    /// Blocklists the client (`rados_blocklist_add`) for at least `duration`; repeating it does no harm.
    ///
    /// An OSD learns of it with the next request of anybody who knows: it may take a write of the shut-out client until
    /// then, but never after it has served this node once.
    func blocklist(_ client: ClientAddress, for duration: Duration) async throws

    /// Whether an entry for the client stands.
    func isBlocklisted(_ client: ClientAddress) async throws -> Bool

    /// Removes the entry. Only after that boot of the node is known to be over, or the mapping to be gone.
    func allow(_ client: ClientAddress) async throws

    /// Who holds the image's exclusive lock.
    func lockOwners(of image: ImageReference) async throws -> [ClientAddress]

    /// Breaks the exclusive lock that `client` holds on the image; succeeds when it holds none.
    func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws
}
