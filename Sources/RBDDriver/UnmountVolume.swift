import Logging
import VolumeCore

extension VolumeDriver {
    /// Counts one user less; with the last one the volume is unmounted and unmapped. An unknown id, and a volume that is
    /// not mounted here, succeed: there is nothing to do. Of a volume that another node has taken over, what is left is
    /// let go of.
    /// - Throws: `VolumeError` with code `busy` when something still uses the filesystem: it stays mounted then.
    public func unmount(_ nameText: String, id: String) async throws {
        let name = try VolumeName(given: nameText)
        do {
            try await operation("unmount", name) { try await unmount(name, id) }
        } catch let error as VolumeError where error.leavesTheIDCounted {
            memory.postpone(.init(name: name, id: id))
            throw error
        }
    }

    /// Carries out the Unmounts of an id that were postponed, unless a Mount of the same id has taken their place: that is
    /// looked at in the volume's turn, where no Mount is at work.
    func unmountPostponed(_ unmount: DriverMemory.PendingUnmount) async throws {
        try await operation("unmount", unmount.name) {
            var due = memory.withdraw(unmount)
            defer { for _ in 0..<due { memory.postpone(unmount) } }
            while due > 0 {
                do {
                    try await self.unmount(unmount.name, unmount.id)
                } catch let error as VolumeError where !error.leavesTheIDCounted {
                    due -= 1
                    throw error
                }
                due -= 1
            }
        }
    }

    private func unmount(_ name: VolumeName, _ id: String) async throws {
        while try await !uncount(name, id) {}
    }

    /// - Returns: `false` when the records changed meanwhile: decide again.
    private func uncount(_ name: VolumeName, _ id: String) async throws -> Bool {
        let stored = try await read(name)
        let what = "unmount volume \(name)"
        switch rules.unmount(stored, id, me) {
        case .nothing:
            try await inSlot(of: stored.pool, to: what) { try await detachLost(stored) }
            return true
        case .uncount(let attachment):
            return try await commit(.init(attachment: .put(attachment)), over: stored) != nil
        case .detach(let attachment):
            return try await inSlot(of: stored.pool, to: what) { try await detach(attachment, over: stored) }
        }
    }

    /// Unmounts and unmaps without force, then gives the claim back.
    /// - Returns: `false` when the records changed before anything was done: decide again.
    func detach(_ attachment: Attachment, over stored: StoredVolume) async throws -> Bool {
        try await leaveCheckAlone(attachment, stored)
        await endTrim(of: stored.name)
        await thawIfLeftFrozen(attachment, stored)
        var leaving = try attachment.applying(.detach)
        // Once the device is gone, only the note tells whose the client was: this may end before the record goes.
        // Where it cannot be noted, the volume is unmounted all the same.
        if let volume = stored.volume?.record, let noted = try? await withNotedWriter(leaving, volume) {
            leaving = noted
        }
        guard let detaching = try await commit(.init(attachment: .put(leaving)), over: stored) else { return false }
        var devices: [MappedDevice] = []
        do {
            // Before it is unmounted: a device may go with its last mount.
            if let volume = detaching.volume?.record {
                devices = try await devicesToGiveBack(of: volume, recorded: leaving)
                await liftLimits(attachment, volume, devices)
            }
            try await unmountRecorded(leaving, of: detaching)
        } catch {
            await keepAttached(detaching, leaving, because: error)
            throw error
        }
        let gone = try await unmapAll(devices, detaching, leaving)
        if let volume = detaching.volume?.record { try await shutOutUnseen(leaving, of: volume, besides: gone) }
        // Who asks for a volume leaves a record alone that says `detaching`: only a take-over can have changed it, and then
        // it is the new owner's.
        async let forgotten: Void = forgetWriters(gone, of: detaching.volume?.record)
        let asker = attachment.wantedBy.map { "node \($0.node) asked for it" }
        _ = try await commit(.init(attachment: .delete, why: asker), over: detaching)
        await forgotten
        memory.forgetUpToDate(stored.name)
        memory.forgetValues(of: stored.name)
        log.step("unmounted volume", stored.name)
        return true
    }

    /// A filesystem that is being checked is not mounted: there is nothing to let go of before that is done.
    private func leaveCheckAlone(_ attachment: Attachment, _ stored: StoredVolume) async throws {
        guard attachment.state != .attached, let volume = stored.volume?.record,
            let mapped = try await mapped(at: attachment.device)
        else { return }
        // The path of a device that has gone may be another volume's, whose check is nothing to this one.
        switch rules.relation(mapped, volume, attachment) {
        case .unrelated, .anotherOfItsName: return
        case .itsImage, .unknownOfItsName: break
        }
        guard try await ports.filesystems.isChecking(mapped.exposed) else { return }
        throw VolumeError(
            .checking, "let go of volume \(stored.name)", why: "the filesystem on \(mapped.path) is being checked",
            remedy: "the plugin lets go of the volume when the check is done", outcome: .refused)
    }

    /// - Returns: the clients that are gone with their devices.
    private func unmapAll(
        _ devices: [MappedDevice], _ detaching: StoredVolume, _ leaving: Attachment
    ) async throws -> Set<ClientAddress> {
        var gone: Set<ClientAddress> = []
        for device in devices {
            do {
                if let client = try await clientEnded(withUnmapping: device) { gone.insert(client) }
            } catch let error as VolumeError {
                // Whoever is still counted has to find it at its mountpoint, whatever has gone wrong.
                if let volume = detaching.volume?.record, error.code == .busy || !leaving.mountIDs.isEmpty {
                    await undoing { await remount(device, volume, detaching, leaving) }
                }
                throw error
            }
        }
        return gone
    }

    /// The device is still there although nothing is mounted here any more: a container holds the filesystem in a mount
    /// namespace of its own, as a rule. The volume is made usable again under its mountpoint.
    private func remount(
        _ device: MappedDevice, _ volume: VolumeRecord, _ detaching: StoredVolume, _ leaving: Attachment
    ) async {
        guard leaving.mountpoint != nil else { return }
        for attempt in 1... {
            do {
                return try await mountAgain(device, volume, detaching, leaving)
            } catch {
                guard attempt < 3, (try? await ports.clock.sleep(for: settings.pollInterval)) != nil else {
                    log.error(
                        "could not mount a busy volume again",
                        metadata: ["volume": "\(detaching.name)", "device": "\(device.path)", "error": "\(error)"])
                    return
                }
            }
        }
    }

    private func mountAgain(
        _ device: MappedDevice, _ volume: VolumeRecord, _ detaching: StoredVolume, _ leaving: Attachment
    ) async throws {
        // A device that is given back with its last mount may be another volume's by now.
        guard try await ports.mapper.mapped().contains(device) else { return }
        // Where the mount root was another one when it was mounted, it is mounted below the present one now.
        let mountpoint = settings.mountpoint(of: detaching.name)
        var staying = leaving
        staying.mountpoint = mountpoint
        // The answer of the attempt before may have been lost.
        if try await ports.mounter.mounted(at: mountpoint)?.device != device.exposed {
            try await mountHeld(device, of: volume, at: mountpoint)
        }
        await keepAttached(detaching, staying, because: nil)
    }

    /// Records that the volume stays mounted. A record left at `detaching` is understood as well, by the next Mount.
    private func keepAttached(
        _ detaching: StoredVolume, _ leaving: Attachment, because failure: (any Error)?
    ) async {
        guard let kept = try? leaving.applying(.stayed) else { return }
        do {
            let change = StoreChange(attachment: .put(kept), why: failure.map { "\($0)" } ?? "the device is in use")
            try await undoing { _ = try await commit(change, over: detaching) }
        } catch {
            log.error(
                "could not record that a volume stays mounted",
                metadata: ["volume": "\(detaching.name)", "error": "\(error)"])
        }
    }
}

extension VolumeError {
    /// Whether an Unmount that failed so has not even uncounted its id. What was found busy is uncounted.
    fileprivate var leavesTheIDCounted: Bool {
        switch code {
        case .unavailable, .timedOut, .conflict: true
        default: false
        }
    }
}
