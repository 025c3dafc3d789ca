import Logging
import VolumeCore

extension VolumeDriver {
    /// Shuts the former owner out of Ceph, then attaches. Every step can be repeated, after a crash also by another
    /// node; none is ever skipped: the record says `fencing` until the fence stands.
    /// - Returns: the mountpoint; `nil` when the records changed meanwhile: decide again.
    func takeOver(_ id: String, over stored: StoredVolume) async throws -> String? {
        guard let volume = stored.volume?.record, let former = stored.attachment?.record else { return nil }
        try await clearDeadMount(stored, to: "mount")
        let claim = VolumeClaim(volume, from: former, by: me, mountID: id, since: ports.clock.timestamp())
        var change = claim.change
        change.why =
            former.owner.node == me.node
            ? "an earlier boot of this node had it, or a take-over was cut off"
            : "node \(former.owner.node) has no heartbeat, and has had it since \(former.since)"
        guard let fencing = try await commit(change, over: stored) else { return nil }
        log.warning(
            "taking the volume over from a node that is gone",
            metadata: ["volume": "\(stored.name)", "node": "\(former.owner.node)", "epoch": "\(claim.volume.epoch)"])
        guard let raised = try await raiseFence(over: fencing), let attachment = raised.stored.attachment?.record else {
            return nil
        }
        let attaching = StoreChange(attachment: .put(try attachment.applying(.fenceStands)))
        guard let claimed = try await commit(attaching, over: raised.stored) else { return nil }
        let mountpoint = try await attach(claimed)
        if former.owner.node != me.node { fences.count { $0.takeOvers += 1 } }
        await liftEntries(raised.shutOut, of: former, on: volume.image)
        return mountpoint
    }

    /// Shuts out whom the record, which says `fencing`, names.
    /// - Returns: `nil` when the records changed meanwhile.
    func raiseFence(over fencing: StoredVolume) async throws -> RaisedFence? {
        let raiser = FenceRaiser(
            fence: ports.fence, images: ports.images, rules: rules, expiry: settings.blocklistExpiry, log: log,
            commit: { try await commit($0, over: $1) })
        do {
            let raised = try await raiser.raise(over: fencing)
            if let raised {
                fences.count {
                    $0.raised += 1
                    $0.clients += raised.shutOut.count
                }
            }
            return raised
        } catch {
            fences.count { $0.failed += 1 }
            throw error
        }
    }
}
