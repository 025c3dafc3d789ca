import VolumeCore

/// What an operator's command has to know to write a snapshot of a volume out, and how it makes a volume of what comes in. Works
/// without the plugin running on this node.
public struct BackupActions: Sendable {
    let store: any VolumeStore
    let policies: any PolicyStore
    let images: any ImageStore
    let snapshots: any SnapshotStore
    let fence: any Fence
    let blocklistExpiry: Duration
    let clock: any DriverClock
    let tokens: any TokenSource
    let defaults: VolumeDefaults
    let limits: VolumeLimits
    /// As whom the records name who is at it: the plugin of this node clears up after a command that is killed.
    let me: NodeIdentity
    /// Which set of records it is.
    let home: @Sendable () -> String?

    public init(
        store: any VolumeStore, policies: any PolicyStore, images: any ImageStore, snapshots: any SnapshotStore,
        fence: any Fence, blocklistExpiry: Duration, clock: any DriverClock, tokens: any TokenSource,
        defaults: VolumeDefaults, limits: VolumeLimits,
        me: NodeIdentity, home: @escaping @Sendable () -> String?
    ) {
        self.store = store
        self.policies = policies
        self.images = images
        self.snapshots = snapshots
        self.fence = fence
        self.blocklistExpiry = blocklistExpiry
        self.clock = clock
        self.tokens = tokens
        self.defaults = defaults
        self.limits = limits
        self.me = me
        self.home = home
    }

    /// What is to be written out.
    public struct Exported: Sendable {
        public let image: ImageReference
        /// librbd's id of the image.
        public let id: String
        public let snapshot: VolumeSnapshot
        /// What it is compared with; `nil` for all of it.
        public let from: VolumeSnapshot?
    }

    /// Finds a snapshot of a volume, be the volume in use or not.
    /// - Parameter from: the name of an earlier snapshot.
    /// - Throws: `VolumeError`: `notFound`, `conflict` for a volume that is not ready or for snapshots in the wrong order.
    public func find(_ snapshotText: String, of volumeText: String, since from: String?) async throws -> Exported {
        let what = "export snapshot \(snapshotText) of volume \(volumeText)"
        let stored = try await store.read(try VolumeName(given: volumeText))
        let (volume, id) = try stored.readyVolume(to: what)
        let all = try await snapshots.snapshots(of: volume.image, id: id)
        let snapshot = try all.named(snapshotText, of: volumeText, what)
        let earlier = try from.map { try all.named($0, of: volumeText, what) }
        if let earlier, earlier.id >= snapshot.id {
            throw VolumeError(
                .conflict, what, why: "snapshot \(earlier.name) was not taken before it",
                remedy: "name an earlier one, or leave --from out", outcome: .refused)
        }
        return Exported(image: volume.image, id: id, snapshot: snapshot, from: earlier)
    }
}
