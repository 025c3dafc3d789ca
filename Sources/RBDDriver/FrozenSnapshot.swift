import Logging
import VolumeCore

/// Takes snapshots of volumes that are mounted here, with the filesystem frozen for it: so it is whole in the snapshot, and needs
/// no repair.
///
/// Nobody who writes waits longer than `freezeLimit`: the filesystem is thawed then, whatever has become of the snapshot and of this
/// plugin. A record says that this node is at it before anything is frozen; a plugin that was killed together with what would
/// have thawed the filesystem finds that when it starts.
extension VolumeDriver {
    /// - Returns: what came of it, for people.
    func takeSnapshot(
        _ request: WorkRequest, _ snapshot: SnapshotName, _ token: String, of name: VolumeName
    ) async throws -> String {
        try await operation("take a snapshot of", name) {
            let stored = try await read(name)
            guard let mine = stillMine(request, in: stored), let volume = stored.volume?.record,
                let id = volume.imageID
            else { throw RequestLost() }
            let what = "take snapshot \(snapshot) of volume \(name)"
            return try await inSlot(of: stored.pool, to: what) {
                let mounted = try await mountedHere(stored)
                if mine.hasBegun {
                    // The attempt before may have ended with its process.
                    if let mounted { try await thawLeftOver(mounted) }
                } else {
                    var begun = mine
                    begun.hasBegun = true
                    guard try await commit(.init(request: .put(begun)), over: stored) != nil else {
                        throw RequestLost()
                    }
                }
                let mark = SnapshotMark(consistency: .crash, by: request.askedBy, token: token)
                // An attempt that got no answer is repeated without freezing anything: Ceph may not answer for long.
                let taken = try await take(
                    snapshot, mark, of: volume.image, id, freezing: request.result == nil ? mounted : nil)
                let consistency = taken.mark?.consistency ?? .crash
                log.step("took a snapshot", name, ["snapshot": "\(snapshot)", "consistency": "\(consistency)"])
                return "\(consistency)"
            }
        }
    }

    /// - Parameter mounted: what is to be frozen meanwhile; `nil` for nothing.
    /// - Returns: the snapshot, with what it is worth.
    func take(
        _ snapshot: SnapshotName, _ mark: SnapshotMark, of image: ImageReference, _ id: String,
        freezing mounted: MountedVolume?
    ) async throws -> VolumeSnapshot {
        guard let mounted, await freeze(mounted, of: image.pool) else {
            return try await ports.snapshots.take(snapshot, of: image, id: id, mark: mark).snapshot
        }
        var taken: TakenSnapshot
        do {
            let end = ports.clock.now() + settings.freezeLimit
            taken = try await Deadline.$current.withValue(min(Deadline.current ?? end, end)) {
                // Who writes waits. Nobody changes an image that this node has mounted.
                try await ports.snapshots.take(snapshot, of: image, id: id, mark: mark, evenIfChanging: true)
            }
        } catch {
            _ = await thaw(mounted)
            throw error
        }
        // One that was there already is older than the freeze: a node that took it and was cut off before it could say so.
        guard await thaw(mounted), rules.isOfFrozen(taken) else { return taken.snapshot }
        // Not before it is certain: a plugin that is killed here claims too little.
        var certain = mark
        certain.consistency = .frozen
        try await ports.snapshots.mark(taken.id, of: image, id: id, certain)
        taken.snapshot.mark = certain
        return taken.snapshot
    }

    /// - Returns: `false` when it cannot be frozen: then the snapshot is as after a power cut.
    private func freeze(_ mounted: MountedVolume, of pool: String) async -> Bool {
        if isSilent(pool) { return false }
        do {
            try await ports.filesystems.freeze(
                mounted.device, mountpoint: mounted.mountpoint, atMost: settings.freezeLimit)
            return true
        } catch {
            scheduleMemory.noteFailedFreeze(of: mounted.uid, at: ports.clock.now())
            log.warning(
                "could not freeze a filesystem for a snapshot, which is as after a power cut then",
                metadata: ["mountpoint": "\(mounted.mountpoint)", "error": "\(error)"])
            return false
        }
    }

    /// - Returns: whether it was frozen until now.
    private func thaw(_ mounted: MountedVolume) async -> Bool {
        do {
            return try await undoing {
                try await ports.filesystems.thaw(mounted.device, mountpoint: mounted.mountpoint)
            }
        } catch {
            log.warning(
                "could not thaw a filesystem; it is thawed when its time is up",
                metadata: ["mountpoint": "\(mounted.mountpoint)", "error": "\(error)"])
            return false
        }
    }

    /// What an attempt has left frozen that ended with its process.
    func thawLeftOver(_ mounted: MountedVolume) async throws {
        _ = try await ports.filesystems.thaw(mounted.device, mountpoint: mounted.mountpoint)
    }

    /// What an earlier run has left frozen. `docker plugin disable --force` takes the plugin's mounts away as well, and containers
    /// keep theirs, in which everybody who writes waits: so it is mounted in its place again, and thawed there.
    func thawAtStart(_ attachment: Attachment, _ volume: VolumeRecord, _ stored: StoredVolume) async {
        guard rules.mayBeFrozen(stored) else { return }
        do {
            try await mountWhatIsHeld(attachment, volume, stored)
        } catch {
            log.warning(
                "could not mount again a filesystem that may have been left frozen",
                metadata: ["volume": "\(stored.name)", "error": "\(error)"])
        }
        await thawIfLeftFrozen(attachment, stored)
    }

    /// Gives a filesystem that the kernel has in use its mountpoint back: what is mounted there then is the same filesystem.
    private func mountWhatIsHeld(
        _ attachment: Attachment, _ volume: VolumeRecord, _ stored: StoredVolume
    ) async throws {
        let mountpoint = settings.mountpoint(of: stored.name)
        guard let device = try await recordedDevice(of: volume, attachment), try await !isShutOut(device) else {
            return
        }
        let isMounted = try await ports.mounter.mounted(at: mountpoint) != nil
        let isInUse = try await ports.mounter.isInUse(device.exposed)
        guard rules.mountsAgain(attachment, mountpoint, isMounted, isInUse) else { return }
        try await mountHeld(device, of: volume, at: mountpoint)
        log.step("mounted again what containers still use", stored.name, ["device": "\(device.path)"])
    }

    /// A frozen filesystem stays on its device when it is unmounted, and could not be thawed any more then.
    func thawIfLeftFrozen(_ attachment: Attachment, _ stored: StoredVolume) async {
        guard rules.mayBeFrozen(stored), let device = attachment.exposed, let mountpoint = attachment.mountpoint else {
            return
        }
        _ = try? await ports.filesystems.thaw(device, mountpoint: mountpoint)
    }
}
