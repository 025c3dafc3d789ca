import Logging
import VolumeCore

extension VolumeDriver {
    /// Maps and mounts a volume that this node has claimed.
    ///
    /// strangers? → map → note the client address in the image → record it with the device → fsck → mount → record
    /// `attached`. The address is recorded before the filesystem is touched: from then on another node can fence exactly this
    /// client. It is noted before it is recorded: so a recorded client that the image does not name is gone.
    /// - Parameter former: how far this boot had the volume before: then it may still have a device and a mount, and a
    ///   failure at whatever point has to see to them.
    /// - Returns: the mountpoint. On a failure everything is undone in reverse order, the claim last.
    func attach(_ claimed: StoredVolume, after former: Attachment.State? = nil) async throws -> String {
        guard let volume = claimed.volume?.record else { throw lostClaim(claimed.name) }
        var progress = AttachProgress(stored: claimed, mountpoint: settings.mountpoint(of: claimed.name))
        progress.former = former
        if former != nil {
            progress.mapping = .unknown
            progress.isMounted = true
        }
        do {
            let present = try await usableDevices(of: volume, recorded: claimed.attachment?.record)
            if let claim = claimed.attachment?.record {
                try await shutOutUnseen(claim, of: volume, besides: Set(present.compactMap(\.client)))
            }
            let image = try await refuseStrangers(claimed, volume, besides: present)
            var device = try await mapOrReuse(volume, present, &progress)
            try await recordMapping(device, volume, &progress)
            progress.held = try await hold(device, volume)
            if try await !isReadyToMount(device, volume, progress) {
                device = try await mapAnew(device, volume, &progress)
            }
            try await mountDevice(device, volume, &progress)
            await progress.held?.release()
            let values = await bringIntoForce(
                volume, on: device, at: progress.mountpoint,
                after: progress.mapping.wasFound ? nil : inForceWhenMounted(volume))
            // An image that somebody has made larger by hand gets a filesystem that fills it.
            let wish = rules.following(image.size, progress.stored, ports.clock.wallTime())
            try await advance(&progress, .mounted(at: progress.mountpoint, values), wanting: wish)
            log.step(
                "mounted volume", claimed.name, ["device": "\(device.path)", "mountpoint": "\(progress.mountpoint)"])
            return progress.mountpoint
        } catch let error as VolumeError where error.code == .checking {
            // Nothing is undone: the next Mount finds the check further, on this very device.
            await progress.held?.release()
            log.step("the filesystem is being checked", claimed.name, ["progress": "\(error.why)"])
            await undoing { await keepClaim(progress) }
            throw error
        } catch {
            await progress.held?.release()
            log.warning("mount failed", metadata: ["volume": "\(claimed.name)", "error": "\(error)"])
            await undoing { await undo(progress, volume, because: error) }
            throw error
        }
    }

    /// In this order: whatever a record names has been noted in the image.
    private func recordMapping(
        _ device: MappedDevice, _ volume: VolumeRecord, _ progress: inout AttachProgress
    ) async throws {
        var recorded = device
        if volume.isShared { recorded.client = nil } else { try await noteWriter(of: device, volume) }
        try await advance(&progress, .mapped(recorded, mapper: ports.mapper.kind(of: device)))
    }

    /// Records what has just happened. Once the record is another's, this node has lost the volume and must let go.
    private func advance(
        _ progress: inout AttachProgress, _ event: AttachmentEvent, wanting wish: DesiredState? = nil
    ) async throws {
        guard let attachment = progress.stored.attachment?.record else { throw lostClaim(progress.stored.name) }
        var change = StoreChange(attachment: .put(try attachment.applying(event)))
        if let wish { change.desired = .put(wish) }
        guard let written = try await commit(change, over: progress.stored) else {
            progress.isLost = true
            throw lostClaim(progress.stored.name)
        }
        progress.stored = written
    }

    /// The image must be the very one this volume was created with, and nobody else may have it open: a mapping made
    /// by hand, or by a node that no record knows of.
    /// - Returns: the image.
    private func refuseStrangers(
        _ claimed: StoredVolume, _ volume: VolumeRecord, besides mine: [MappedDevice]
    ) async throws -> ImageDescription {
        let what = "mount volume \(volume.name)"
        // The volume may come from a node that knows more, or its image may have got a feature since. Asked before the look
        // at the image, so that nothing but deciding comes between that and mapping.
        let unsupported = mine.isEmpty ? try await ports.mapper.unsupported(.every) : []
        guard let image = try await inspect(volume.image) else {
            throw VolumeError(
                .unexplained, what, why: "its image \(volume.image) does not exist",
                remedy: "restore the image, or remove the volume", outcome: .refused)
        }
        guard image.id == volume.imageID, image.uid == volume.uid else {
            throw VolumeError.namesake(what, of: volume)
        }
        guard image.rollingBackTo == nil else {
            throw VolumeError(
                .damaged, what, why: "a rollback of its image \(volume.image) has broken off",
                remedy: "roll it back to a snapshot with 'rbd-plugin snapshot rollback'", outcome: .refused)
        }
        try refuse(unsupported: unsupported.intersection(image.features), what) { names in
            "'rbd feature disable \(volume.image) \(names)', or mount it on a node that supports it"
        }
        let clients = Set(mine.compactMap(\.client))
        if volume.isShared {
            try await refuseWriters(to: image, of: volume, besides: clients)
            return image
        }
        // Whom the same look at the image has seen, or the last of some more looks: nothing comes between it and mapping
        // that could give somebody time to map it as well.
        let strangers = try await strangers(
            to: volume.image, besides: clients, seen: image.watchers)
        guard strangers.isEmpty else { throw VolumeError.imageInUse(what, volume.image, by: strangers) }
        try await shutOutForgottenWriters(image, of: volume, besides: clients, claimed: claimed)
        try await shutOutSilentLockOwners(of: volume.image, image.lockOwners, besides: clients)
        return image
    }

    /// An owner of the lock that watches the image no more has died, or is paused and would write on when it wakes up.
    /// Whoever maps next breaks its lock by itself, and shuts it out for an hour only; so it is shut out for good before.
    ///
    /// It is not refused: the image is this volume's own, so its lock can only come from a node that had the volume, and
    /// whose record got lost. Waiting for a person would strand the volume.
    func shutOutSilentLockOwners(
        of image: ImageReference, _ owners: [ClientAddress], besides mine: Set<ClientAddress>
    ) async throws {
        for owner in rules.silent(owners, mine) {
            try await ports.fence.blocklist(owner, for: settings.blocklistExpiry)
            try await ports.fence.breakLock(of: image, heldBy: owner)
            log.warning(
                "shut out a client that held an image's lock but no longer watched it",
                metadata: ["image": "\(image)", "client": "\(owner)"])
        }
    }

    /// Watchers that are not this node's own mapping and may write. Looks again for a moment: one that has just let go,
    /// or has just been blocklisted, shows for some milliseconds.
    /// - Parameter seen: the watchers that came with the image's description: the first look.
    func strangers(
        to image: ImageReference, besides mine: Set<ClientAddress>, seen: [ClientAddress]
    ) async throws -> [ClientAddress] {
        var found = seen.filter { !mine.contains($0) }
        var looks = 1
        while !found.isEmpty, looks < 8 {
            try await ports.clock.sleep(for: settings.pollInterval)
            found = try await ports.images.watchers(of: image).filter { !mine.contains($0) }
            looks += 1
        }
        return try await withoutShutOut(found)
    }

    /// A client that died while it opened the image can show for ever, also on the blocklist. Its entry is made to stand
    /// as long as one of a fence.
    private func withoutShutOut(_ watchers: [ClientAddress]) async throws -> [ClientAddress] {
        var strangers: [ClientAddress] = []
        for watcher in watchers {
            if try await ports.fence.isBlocklisted(watcher) {
                try await ports.fence.blocklist(watcher, for: settings.blocklistExpiry)
            } else {
                strangers.append(watcher)
            }
        }
        return strangers
    }

    private func mapOrReuse(
        _ volume: VolumeRecord, _ present: [MappedDevice], _ progress: inout AttachProgress
    ) async throws -> MappedDevice {
        if present.count > 1 {
            throw VolumeError(
                .unexplained, "mount volume \(volume.name)",
                why: "its image is mapped more than once: \(present.map(\.path).joined(separator: ", "))",
                remedy: "unmap the devices that nothing uses", outcome: .refused)
        }
        if let device = present.first {
            progress.mapping = .found(device)
            if volume.isShared { try await refuseWritable(device, volume) }
            return device
        }
        progress.mapping = .unknown
        let device = try await ports.mapper.map(
            volume.image, id: volume.imageID, for: volume.isShared ? .readOnly : .readWrite,
            options: settings.mapOptions + volume.spec.mapOptions)
        progress.mapping = .made(device)
        if volume.isShared { try await refuseWritable(device, volume) }
        memory.noteUpToDate(device, of: volume.name)
        return device
    }

    /// Whether the filesystem can be mounted as it is; `false` when the device has to be mapped anew: the check repaired
    /// something that the kernel may have read before. An earlier check may have done so as well, whose Mount failed, or
    /// whose plugin was killed before it could map anew.
    private func isReadyToMount(
        _ device: MappedDevice, _ volume: VolumeRecord, _ progress: AttachProgress
    ) async throws -> Bool {
        if try await ports.mounter.mounted(at: progress.mountpoint) != nil { return true }
        // It was checked when it was made, and nobody has written since.
        if volume.isShared { return true }
        do {
            try await check(device, volume)
            return progress.former == .attached || memory.isUpToDate(device, of: volume.name)
        } catch let error as VolumeError where error.code == .unfinished {
            return false
        } catch let error as VolumeError where error.code == .busy && progress.mapping.wasFound {
            // A container that outlived the plugin's mount still has this filesystem: the kernel hands out the same one.
            log.step("the filesystem is already mounted; no check", volume.name, ["device": "\(device.path)"])
            return true
        }
    }

    private func mapAnew(
        _ device: MappedDevice, _ volume: VolumeRecord, _ progress: inout AttachProgress
    ) async throws -> MappedDevice {
        log.step(
            "the filesystem may have been repaired on this device; mapping the image again", volume.name,
            ["device": "\(device.path)"])
        await progress.held?.release()
        try await unmapForCertain(device, volume)
        if let client = device.client { progress.unmapped.insert(client) }
        let anew = try await mapOrReuse(volume, [], &progress)
        try await recordMapping(anew, volume, &progress)
        progress.held = try await hold(anew, volume)
        await forgetWriters(progress.unmapped, of: volume)
        try await check(anew, volume)
        return anew
    }

    private func check(_ device: MappedDevice, _ volume: VolumeRecord) async throws {
        do {
            try await ports.filesystems.check(device.exposed, volume.spec.filesystem)
        } catch {
            // Repaired, or nobody knows: its verdict may never be heard.
            memory.forgetUpToDate(volume.name)
            throw error
        }
    }

    /// A mapper that has lost its notes of the device takes it for unmapped. Mapping it once more would make two writers.
    private func unmapForCertain(_ device: MappedDevice, _ volume: VolumeRecord) async throws {
        let isGone = try await ports.mapper.unmap(device)
        guard !isGone, let client = device.client else { return }
        throw VolumeError(
            .inUse, "mount volume \(volume.name)",
            why: "\(device.path) had gone before it could be unmapped, and its client \(client) may still have the"
                + " image \(volume.image) open",
            remedy: "try again", outcome: .refused)
    }

    private func mountDevice(
        _ device: MappedDevice, _ volume: VolumeRecord, _ progress: inout AttachProgress
    ) async throws {
        if let mounted = try await ports.mounter.mounted(at: progress.mountpoint) {
            guard mounted.device == device.exposed else {
                throw VolumeError(
                    .unexplained, "mount volume \(volume.name)",
                    why: "\(mounted.device) is mounted at \(progress.mountpoint)",
                    remedy: "find out what it is and unmount it", outcome: .refused)
            }
        } else {
            progress.isMounted = true
            try await mountFilesystem(on: device, of: volume, at: progress.mountpoint)
        }
        // Also of what was mounted before: the Mount that mounted it may have ended right then.
        try await ports.mounter.prepareRoot(of: progress.mountpoint, spec: volume.spec)
    }

    /// The last one counts: what was asked for by name goes before what a volume's values say, and that a volume is read-only
    /// before all.
    ///
    /// The device of such a volume can be written to all the same, unless the volume is shared, and its one owner is the only client
    /// that can: what a dead owner has left in the filesystem's log has to be replayed before anybody can read it, and only a
    /// writer can do that.
    func mountOptions(of volume: VolumeRecord) -> [String] {
        // Not all filesystems take it later.
        let discard = wantedValues(of: volume)?.discard == .online ? [volume.spec.filesystem.facts.onlineDiscard] : []
        let access = volume.spec.access == .readOnly ? ["ro"] : []
        return discard + volume.spec.mountOptions + settings.mountOptions + access
    }

    func mountFilesystem(on device: MappedDevice, of volume: VolumeRecord, at mountpoint: String) async throws {
        try await ports.mounter.mount(
            device.exposed, at: mountpoint, volume.spec.filesystem, options: mountOptions(of: volume))
    }

    /// Mounts what is already in use, or was until now: nothing is checked before.
    func mountHeld(_ device: MappedDevice, of volume: VolumeRecord, at mountpoint: String) async throws {
        let held = try await hold(device, volume)
        do {
            try await mountFilesystem(on: device, of: volume, at: mountpoint)
        } catch {
            await held.release()
            throw error
        }
        await held.release()
    }

    /// Holds the device for as long as the filesystem on it is looked at and mounted by its path: a mapping whose process dies leaves
    /// the path to whatever is mapped next.
    /// - Throws: `VolumeError` with code `unexplained` when the path is another's already.
    func hold(_ device: MappedDevice, _ volume: VolumeRecord) async throws -> HeldDevice {
        let held = try await ports.mounter.hold(device.exposed)
        do {
            try device.refuseIfReplaced(by: try await mapped(at: device.path), "mount volume \(volume.name)")
            return held
        } catch {
            await held.release()
            throw error
        }
    }
}

/// How far an attach has come: what has to be undone when it fails.
struct AttachProgress {
    enum Mapping {
        /// Not begun.
        case none
        /// Begun, now or earlier; whether there is a device is not known.
        case unknown
        case made(MappedDevice)
        /// It was mapped before.
        case found(MappedDevice)

        var wasFound: Bool {
            if case .found = self { true } else { false }
        }
    }

    var stored: StoredVolume
    let mountpoint: String
    /// How far this boot had the volume before this Mount; `nil` when it did not have it.
    var former: Attachment.State?
    var mapping = Mapping.none
    /// The device, from when it is the volume's for certain until it is mounted.
    var held: HeldDevice?
    /// Clients whose devices were unmapped on the way, although the record may still name them.
    var unmapped: Set<ClientAddress> = []
    /// Whether something may be mounted: set before mounting is tried.
    var isMounted = false
    /// Another node has the volume now: its record must not be touched.
    var isLost = false
}
