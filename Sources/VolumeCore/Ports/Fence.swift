/// Shuts a client out of Ceph for good: the only thing that makes it safe to map what another node had.
public protocol Fence: Sendable {
    /// Blocklists the client (`rados_blocklist_add`) for `duration`; repeating it does no harm.
    ///
    /// An entry that stands is left as it is: Ceph cannot lengthen one. To remove it first and add a longer one would not be
    /// safe either: a node that is held up between the two would remove what another one has added meanwhile, when the
    /// image is mapped already.
    ///
    /// An OSD learns of it with the next request of anybody who knows: it may take a write of the shut-out client until
    /// then, but never after it has served this node once.
    /// - Throws: `VolumeError` with code `shortFence` when an entry stands that ends before half of `duration`.
    func blocklist(_ client: ClientAddress, for duration: Duration) async throws

    /// Whether an entry for the client stands.
    func isBlocklisted(_ client: ClientAddress) async throws -> Bool

    /// Removes the entry. Only after that boot of the node is known to be over, or the mapping to be gone.
    func allow(_ client: ClientAddress) async throws

    /// Breaks the exclusive lock that `client` holds on the image; succeeds when it holds none.
    /// - Throws: `VolumeError` with code `unexplained` when somebody holds it whose address names no single client; nothing was
    ///   broken then.
    func breakLock(of image: ImageReference, heldBy client: ClientAddress) async throws
}

extension VolumeError {
    /// An entry on the blocklist ends too soon to be a fence.
    /// - Parameter end: when it ends, for people.
    public static func shortFence(_ client: ClientAddress, until end: String) -> VolumeError {
        VolumeError(
            .shortFence, "shut out client \(client)",
            why:
                "it is on the blocklist only until \(end): somebody else put it there, and Ceph cannot extend an entry",
            remedy:
                "remove the entry with 'ceph osd blocklist rm \(client)' and try again at once: the plugin then adds one"
                + " that lasts for BLOCKLIST_EXPIRY", outcome: .refused)
    }

    /// Ceph names a client that has to do with an image by an address that cannot be put on the blocklist. It must not
    /// count as absent.
    /// - Parameters:
    ///   - role: what it does, such as `watches`.
    ///   - text: Ceph's own words for the address.
    public static func obscureClient(
        _ client: String, _ role: String, _ image: ImageReference, shownAs text: String
    ) -> VolumeError {
        VolumeError(
            .unexplained, "identify the client that \(role) image \(image)",
            why: "it is \(client), and its address '\(text)' does not name one client that could be shut out",
            remedy: "find that client with 'rbd status \(image)' and 'rbd lock ls \(image)', and end it",
            outcome: .refused)
    }
}
