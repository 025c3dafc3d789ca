import VolumeCore

/// What a simulation needs to see and to set that no port shows.
extension World {
    /// The boot of the node whose heartbeat lives, if one does.
    public func livingBoot(of name: String) -> String? {
        guard let boot = nodes[name]?.heartbeat?.boot,
            isAlive(NodeIdentity(node: name, boot: boot))
        else { return nil }
        return boot
    }

    /// Sets how far the node's clock is ahead of the world's, and how many thousandths of its speed it has.
    public mutating func setClock(of name: String, offset: Duration, pace: Int) {
        nodes[name]?.clockOffset = offset
        nodes[name]?.clockPace = pace
    }

    /// Whether the client's blocklist entry stands.
    public func isFenced(_ client: ClientAddress) -> Bool { ceph.isBlocklisted(client, at: now) }

    /// `rbd rm` by hand.
    public mutating func takeAway(_ reference: ImageReference) { ceph.images[reference] = nil }
}
