import Logging
import VolumeCore

extension VolumeDriver {
    /// What a plugin does when it has started: looks at what etcd says this node has, and puts it in order.
    ///
    /// Each volume is dealt with in its own turn, so that Docker's calls and this do not meet, and all pools at the same
    /// time, so that one that hangs holds up its own volumes only. What fails is left for the next call on that volume, and
    /// logged.
    public func recover() async throws {
        let names = try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
            try await ports.store.readAttachments()
                .filter { $0.value.contains { $0.owner.node == me.node } }.keys.sorted()
        }
        await ports.catalog.firstReading()
        await withTaskGroup(of: Void.self) { group in
            for (_, names) in Dictionary(grouping: names, by: pool).sorted(by: { $0.key < $1.key }) {
                group.addTask { for name in names { await putInOrder(name) } }
            }
        }
    }

    private func putInOrder(_ name: VolumeName) async {
        do {
            try await operation("recover", name) { try await recover(name) }
        } catch {
            log.warning(
                "could not put a volume in order; the next call on it continues",
                metadata: ["volume": "\(name)", "error": "\(error)"])
        }
    }

    private func recover(_ name: VolumeName) async throws {
        let stored = try await read(name)
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record else { return }
        let what = "put volume \(name) in order"
        if attachment.owner == me { await thawAtStart(attachment, volume, stored) }
        switch rules.recover(attachment, me, try await isMountedHere(stored)) {
        case .nothing: return
        case .adopt:
            log.step("found a volume mounted by an earlier run", name, ["mounts": "\(attachment.mountIDs.count)"])
            try await noteEarlierWriter(attachment, volume, over: stored)
        case .detach:
            log.step(
                "finishing an operation that an earlier run left half done", name, ["state": "\(attachment.state)"])
            _ = try await inSlot(of: stored.pool, to: what) { try await detach(attachment, over: stored) }
        case .clear:
            log.step("clearing the mount of an earlier boot of this node", name, ["epoch": "\(attachment.epoch)"])
            try await inSlot(of: stored.pool, to: what) { try await clear(attachment, of: volume, over: stored) }
        }
    }

    /// By way of a claim, as every fence: only who has claimed the volume knows that nobody else has it by now.
    private func clear(_ former: Attachment, of volume: VolumeRecord, over stored: StoredVolume) async throws {
        // There is nobody to shut out.
        if volume.isShared { return _ = try await commit(.init(attachment: .delete), over: stored) }
        let claim = VolumeClaim(volume, from: former, by: me, mountID: nil, since: ports.clock.timestamp())
        var change = claim.change
        change.why = "an earlier boot of this node had it"
        guard let fencing = try await commit(change, over: stored),
            let raised = try await raiseFence(over: fencing)
        else { return }
        guard try await commit(.init(attachment: .delete), over: raised.stored) != nil else { return }
        await liftEntries(raised.shutOut, of: former, on: volume.image)
    }
}
