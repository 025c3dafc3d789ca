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

    /// How long the world takes for what is `duration` on the node's clock.
    public func worldTime(of duration: Duration, on name: String) -> Duration {
        duration * 1000 / max(1, nodes[name]?.clockPace ?? 1000)
    }

    /// Whether the client's blocklist entry stands.
    public func isFenced(_ client: ClientAddress) -> Bool { ceph.isBlocklisted(client, at: now) }

    /// `rbd rm` by hand.
    public mutating func takeAway(_ reference: ImageReference) { ceph.images[reference] = nil }
}
