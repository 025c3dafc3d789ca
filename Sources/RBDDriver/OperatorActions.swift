import Logging
import VolumeCore

/// What an operator does by hand where no program can decide. Works without the plugin running on this node.
public struct OperatorActions: Sendable {
    private let store: any VolumeStore
    private let policies: any PolicyStore
    private let images: any ImageStore
    private let fence: any Fence
    private let clock: any DriverClock
    private let blocklistExpiry: Duration
    private let me: NodeIdentity
    private let log: Logger

    /// - Parameter me: as whom the records name who is at it; not the identity of any plugin.
    public init(
        store: any VolumeStore, policies: any PolicyStore, images: any ImageStore, fence: any Fence,
        clock: any DriverClock,
        blocklistExpiry: Duration, me: NodeIdentity, log: Logger
    ) {
        self.store = store
        self.policies = policies
        self.images = images
        self.fence = fence
        self.clock = clock
        self.blocklistExpiry = blocklistExpiry
        self.me = me
        self.log = log
    }

    public func volumes() async throws -> [StoredVolume] {
        try await store.readAll().filter { $0.volume != nil || !$0.allMounts.isEmpty }
    }

    /// - Throws: `VolumeError` with code `notFound`.
    public func volume(_ nameText: String) async throws -> StoredVolume {
        let stored = try await store.read(try VolumeName(given: nameText))
        guard stored.volume != nil || !stored.allMounts.isEmpty else {
            throw VolumeError.noSuchVolume("find volume \(nameText)")
        }
        return stored
    }

    /// Who has the volume's image open right now; `nil` when it has none.
    public func watchers(of stored: StoredVolume) async throws -> [ClientAddress]? {
        guard let image = stored.volume?.record.image else { return nil }
        return try await images.inspect(image)?.watchers
    }

    /// Takes the volume from whoever has it: shuts that client out of Ceph and clears the record of the mount. From then
    /// on its writes fail, whether or not it is alive; any node can mount the volume.
    ///
    /// The record says `fencing` until the fence stands, so that a release that breaks off is finished by the next claim.
    /// - Parameter seen: the mount that the operator has looked at; it is taken from no other. Who has the volume may have changed
    ///   since.
    /// - Returns: the clients' node.
    public func release(_ nameText: String, seen: Attachment? = nil) async throws -> String {
        let what = "release volume \(nameText)"
        let stored = try await volume(nameText)
        if let reader = stored.readingNodes.first {
            throw VolumeError(
                .conflict, what, why: "nodes only read it, such as \(reader.owner.node): nobody has to be shut out",
                remedy: "stop its containers there; what a dead node has left keeps nobody from removing it",
                outcome: .refused)
        }
        guard let volume = stored.volume?.record, let former = stored.attachment?.record else {
            throw VolumeError(.conflict, what, why: "no node has it mounted", outcome: .refused)
        }
        if let seen, seen.owner != former.owner || seen.epoch != former.epoch {
            throw VolumeError(
                .conflict, what, why: "node \(former.owner.node) has taken it meanwhile",
                remedy: "look again with 'rbd-plugin mount ls'", outcome: .refused)
        }
        let claim = VolumeClaim(volume, from: former, by: me, mountID: "release", since: clock.timestamp())
        var change = claim.change
        change.why = "an operator releases it"
        let raiser = FenceRaiser(
            fence: fence, images: images, rules: DriverRules(), expiry: blocklistExpiry, log: log,
            commit: { [store] in try await store.commit($0, over: $1) })
        guard let fencing = try await store.commit(change, over: stored),
            let raised = try await raiser.raise(over: fencing),
            try await store.commit(.init(attachment: .delete), over: raised.stored) != nil
        else { throw VolumeError.changedMeanwhile(what) }
        return claim.attachment.fenced?.owner.node ?? former.owner.node
    }

    /// Deletes the record of a volume that nobody has mounted. Its image stays in Ceph with what is on it; the option
    /// `adopt` makes it a volume again.
    public func forget(_ nameText: String) async throws {
        let what = "forget volume \(nameText)"
        let stored = try await volume(nameText)
        if let attachment = stored.attachment?.record {
            throw VolumeError.mountedOnNode(
                what, attachment,
                remedy: "unmount it there, or take it away with 'rbd-plugin mount release \(nameText)'")
        }
        try SharedVolumeRule.refuse(stored.readingNodes, what)
        try RequestRule.refuseWhileHeld(stored, what)
        guard try await store.commit(.deletion, over: stored) != nil else { throw VolumeError.changedMeanwhile(what) }
    }

    /// Keeps the volume from being removed, by whichever node it is asked, or lets it be removed again.
    public func protect(_ nameText: String, _ isProtected: Bool) async throws {
        let stored = try await volume(nameText)
        guard let volume = try ProtectionRule.decide(stored, isProtected: isProtected) else { return }
        guard try await store.commit(.init(volume: .put(volume)), over: stored) != nil else {
            throw VolumeError.changedMeanwhile("\(isProtected ? "protect" : "unprotect") volume \(nameText)")
        }
    }

    /// Says that a volume is to have that size. The node that has it mounted makes it so; else the next one that mounts it.
    /// - Returns: the volume as it is recorded then.
    public func resize(_ nameText: String, to size: VolumeSize) async throws -> StoredVolume {
        let what = "resize volume \(nameText) to \(size)"
        let stored = try await volume(nameText)
        let policy = try await policies.named(stored.volume?.record.policy)
        guard let desired = try GrowthRule.request(size, for: stored, policy: policy, at: clock.wallTime()),
            let volume = stored.volume?.record
        else { return stored }
        try await images.preflight(volume.spec.resized(to: size))
        let quota = PolicyQuota(store: store, policies: policies, rules: DriverRules())
        let change = StoreChange(desired: .put(desired))
        guard let written = try await quota.commit(change, over: stored, counting: size, under: policy, what) else {
            throw VolumeError.changedMeanwhile("resize volume \(nameText)")
        }
        return written
    }

    /// Says that the volume's filesystem is to fill its image, which somebody has made larger by other means.
    /// - Returns: the volume as it is recorded then, and the size of its image.
    public func resizeToImage(_ nameText: String) async throws -> (stored: StoredVolume, size: VolumeSize) {
        let what = "resize volume \(nameText) to its image"
        let stored = try await volume(nameText)
        guard let volume = stored.volume?.record, let image = try await images.inspect(volume.image) else {
            throw VolumeError(.notFound, what, why: "it has no image", outcome: .refused)
        }
        guard image.uid == volume.uid else {
            throw VolumeError(
                .foreignImage, what, why: "the image \(volume.image) is not the volume's own", outcome: .refused)
        }
        return (try await resize(nameText, to: image.size), image.size)
    }

    /// Sets values of a volume that can change while it is in use. Each is set for itself: what others change meanwhile stays.
    /// - Parameter changes: `nil` for an option that the volume's policy shall decide from now on.
    /// - Returns: the volume as it is recorded then.
    public func set(_ nameText: String, _ changes: [RuntimeOption: String?]) async throws -> StoredVolume {
        let end = clock.now() + .seconds(15)
        while true {
            let values = try await values(of: nameText)
            do {
                guard let volume = try RuntimeRule.change(changes, of: values.stored, policy: values.policy) else {
                    return values.stored
                }
                let change = StoreChange(volume: .put(volume))
                if let written = try await store.commit(change, over: values.stored) { return written }
                if clock.now() >= end { throw VolumeError.changedMeanwhile("set values of volume \(nameText)") }
            } catch let error as VolumeError where error.code == .conflict && clock.now() < end {
                // Mounting and unmounting take a moment.
                try await clock.sleep(for: .milliseconds(500))
            }
        }
    }

    /// What is wanted of a volume while it is in use, and where it comes from.
    /// - Throws: `VolumeError` with code `notFound`.
    public func values(of nameText: String) async throws -> VolumeValues {
        let stored = try await volume(nameText)
        return VolumeValues(
            stored: stored, policy: try await policies.named(stored.volume?.record.policy)?.policy.runtime)
    }
}

/// The values of a volume that can change while it is in use.
public struct VolumeValues: Sendable {
    public let stored: StoredVolume
    /// Those of its policy; `nil` when it has none, or when the policy is gone.
    public let policy: RuntimeSettings?

    /// What is wanted of it; `nil` when its policy is gone: then what is in force stays in force.
    public var wanted: RuntimeSettings? { stored.volume.flatMap { RuntimeRule.wanted($0.record, policy: policy) } }

    /// Where a value comes from.
    public func source(of option: RuntimeOption) -> RuntimeRule.Source? {
        stored.volume.flatMap { RuntimeRule.source(of: option, $0.record, policy: policy) }
    }
}
