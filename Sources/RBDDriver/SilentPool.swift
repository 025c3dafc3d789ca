import VolumeCore

extension VolumeDriver {
    /// Longer than one request to Ceph may take that is only slow.
    private static let patience = Duration.seconds(10)

    /// Whether Ceph does not answer for the pool right now. Then work that nobody waits for is not begun: a call would have to wait
    /// behind it.
    func isSilent(_ pool: String) -> Bool { ports.poolHealth.silence(of: pool).map { $0 > .zero } ?? false }

    /// Refuses one more user of a mounted volume whose pool does not answer. With "mounted" for an answer, Docker would go
    /// on to look into the volume, and wait in the kernel for as long as Ceph is away, with a container that can neither be
    /// started nor removed.
    ///
    /// A mount id that is counted already is let through: that container has the volume, and Docker only mounts it again,
    /// for instance to restart it after its unmount has failed. It waits, and goes on by itself when Ceph is back, where a
    /// refusal would end it for good.
    /// - Throws: `VolumeError` with code `unavailable`.
    func refuseWhileSilent(_ id: String, over stored: StoredVolume) throws {
        guard let volume = stored.volume?.record, stored.attachment?.record.mountIDs[id] == nil,
            let silence = ports.poolHealth.silence(of: volume.image.pool), silence >= Self.patience
        else { return }
        throw VolumeError(
            .unavailable, "mount volume \(stored.name)",
            why: "it is mounted here, but its pool '\(volume.image.pool)' has not answered for \(silence.inWords): a"
                + " container would hang",
            remedy: "check 'ceph -s', and try again when Ceph answers",
            outcome: .refused)
    }
}
