import Logging
import VolumeCore

extension VolumeDriver {
    /// Asks the owner to let go, unless somebody has asked already.
    func ask(for stored: StoredVolume) async throws {
        guard var attachment = stored.attachment?.record, attachment.wantedBy == nil,
            attachment.state == .attached
        else { return }
        attachment.wantedBy = me
        guard try await commit(.init(attachment: .put(attachment)), over: stored) != nil else { return }
        log.step("asked the owner to let go", stored.name, ["node": "\(attachment.owner.node)"])
    }

    /// Takes this node's request back when it waits no longer, so that the owner does not let go for nobody. An owner that
    /// is letting go already is not disturbed: it has to find its record as it left it.
    func withdraw(from stored: StoredVolume) async {
        guard var attachment = stored.attachment?.record, attachment.wantedBy == me, attachment.state == .attached
        else { return }
        attachment.wantedBy = nil
        do {
            _ = try await commit(.init(attachment: .put(attachment)), over: stored)
        } catch {
            log.info(
                "could not withdraw a request for a volume",
                metadata: ["volume": "\(stored.name)", "error": "\(error)"])
        }
    }

    /// Puts a mount of this node in order: lets go of what nobody uses, and answers who asks for it.
    public func reconcile(_ name: VolumeName) async throws {
        guard let known = ports.catalog.find(name), let attachment = known.attachment?.record, attachment.owner == me,
            rules.reconcile(attachment, me, false) != .nothing || rules.growth(known) != nil || valuesAreDue(known),
            !turns.isTaken(name)
        else { return }
        try await operation("tend to", name) { try await reconcileInTurn(name) }
    }

    private func reconcileInTurn(_ name: VolumeName) async throws {
        // What is done every few seconds for each volume with limits asks etcd for nothing.
        if let known = ports.catalog.find(name), rules.growth(known) == nil, let mount = known.attachment?.record,
            rules.reconcile(mount, me, false) == .nothing, valuesAreAsWanted(known)
        {
            return try await changeAsWanted(known)
        }
        let stored = try await read(name)
        guard let attachment = stored.attachment?.record else { return }
        let justMounted = memory.mayHaveBeenMounted(name, within: settings.handOverGrace, of: ports.clock.now())
        switch rules.reconcile(attachment, me, justMounted) {
        case .nothing:
            try await changeAsWanted(stored)
        case .decline:
            var declined = attachment
            declined.wantedBy = nil
            _ = try await commit(.init(attachment: .put(declined)), over: stored)
        case .finishFence:
            try await inSlot(of: stored.pool, to: "tend to volume \(name)") {
                guard let raised = try await raiseFence(over: stored) else { return }
                _ = try await commit(.init(attachment: .delete), over: raised.stored)
            }
        case .detach:
            // As if it were called: somebody waits for it on another node.
            try await inSlot(of: stored.pool, to: "tend to volume \(name)") {
                try await detachForAnother(attachment, over: stored)
            }
        }
    }

    private func changeAsWanted(_ stored: StoredVolume) async throws {
        if rules.growth(stored) != nil {
            try await inSlot(of: stored.pool, to: "resize volume \(stored.name)") { try await growAsWanted(stored) }
        } else if valuesAreDue(stored) {
            try await inSlot(of: stored.pool, to: "set values of volume \(stored.name)") {
                try await bringIntoForce(stored)
            }
        }
    }

    private func detachForAnother(_ attachment: Attachment, over stored: StoredVolume) async throws {
        try await seeThatCephAnswers(for: stored)
        do {
            _ = try await detach(attachment, over: stored)
        } catch let error as VolumeError where error.code == .busy {
            log.step(
                "the volume is in use and stays mounted", stored.name,
                ["wanted-by": "\(attachment.wantedBy?.node ?? "nobody")"])
        }
    }

    /// Without Ceph, trying to let go does harm: an unmount waits in the kernel, and a volume that turns out to be in use
    /// by a container's own mount cannot be mounted again either. Nobody waits for this: it is tried again later.
    private func seeThatCephAnswers(for stored: StoredVolume) async throws {
        guard let image = stored.volume?.record.image else { return }
        do {
            _ = try await ports.images.watchers(of: image)
        } catch let error as VolumeError where ![.timedOut, .unavailable].contains(error.code) {
            return
        }
    }
}
