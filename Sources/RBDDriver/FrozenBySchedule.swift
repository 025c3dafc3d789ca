import VolumeCore

/// Snapshots by schedule of volumes that this node has mounted, with the filesystem frozen for them.
///
/// These are taken in the volume's turn: nobody may unmount a filesystem that is frozen. A call of Docker's on the volume may
/// therefore wait as long as whoever writes to it.
extension VolumeDriver {
    /// Not where another operation is at work on the volume: the slot can wait for it. And not after one that could not be frozen
    /// in time; such a volume gets snapshots as after a power cut for a while.
    func mayFreeze(_ stored: StoredVolume, _ schedule: SnapshotSchedule) -> Bool {
        guard isMine(stored), let uid = stored.volume?.record.uid else { return false }
        return FreezeRule.freezes(schedule, shortest: settings.shortestFrozenSchedule)
            && !scheduleMemory.hasFailedToFreeze(uid, now: ports.clock.now())
    }

    func takeFrozen(_ name: VolumeName, of image: SnapshotImage) async throws {
        guard !turns.isTaken(name) else { return }
        try await inFreeSlot(of: image.reference.pool) {
            let others = try await snapshotsToday(of: image, name)
            let taken = try await operation("take a snapshot of", name) {
                try await takeFrozenInTurn(name, of: image, beside: others)
            }
            guard let (all, schedule) = taken else { return }
            await removeSurplus(all, schedule.keep, of: image, name)
        }
    }

    /// - Returns: all snapshots, when the record says that this one is among them.
    private func takeFrozenInTurn(
        _ name: VolumeName, of image: SnapshotImage, beside others: [VolumeSnapshot]
    ) async throws -> ([VolumeSnapshot], SnapshotSchedule)? {
        let stored = try await read(name)
        guard let volume = stored.volume?.record, SnapshotImage(volume) == image,
            case (.take(let slot), let schedule)? = step(for: stored), mayFreeze(stored, schedule)
        else { return nil }
        let mounted = try await mountedHere(stored)
        guard let begun = try await beginToFreeze(stored, mounted) else { return nil }
        // An attempt that came to no end is repeated without freezing anything: Ceph may not answer for long.
        let taken = try await take(slot, of: image, begun, freezing: rules.mayBeFrozen(stored) ? nil : mounted)
        let all = others.filter { $0.id != taken?.id } + (taken.map { [$0] } ?? [])
        guard try await endFreeze(begun, slot, schedule, taken == nil ? nil : all), taken != nil else { return nil }
        return (all, schedule)
    }

    /// The record says that the filesystem may be frozen before it is. What an attempt has left frozen that ended with its process is
    /// thawed.
    /// - Returns: what is stored then; `nil` when the records have changed meanwhile.
    private func beginToFreeze(_ stored: StoredVolume, _ mounted: MountedVolume?) async throws -> StoredVolume? {
        guard var volume = stored.volume?.record, let epoch = stored.attachment?.record.epoch else { return nil }
        if rules.mayBeFrozen(stored) {
            if let mounted { try await thawLeftOver(mounted) }
            return stored
        }
        volume.schedule?.freezing = epoch
        return try await commit(.init(volume: .put(volume)), over: stored)
    }

    /// The record says that the slot is taken and that nothing is frozen any more.
    /// - Parameter all: the snapshots that there are; `nil` when somebody else's has the slot's name.
    private func endFreeze(
        _ begun: StoredVolume, _ slot: WallTime, _ schedule: SnapshotSchedule, _ all: [VolumeSnapshot]?
    ) async throws -> Bool {
        guard var volume = begun.volume?.record, let before = volume.schedule else { return false }
        volume.schedule =
            all.map { before.taking(slot, schedule, among: $0, atRestSince: ScheduleRule.epochAtRest(begun)) }
            ?? before.passing(slot, schedule)
        return try await commit(.init(volume: .put(volume)), over: begun) != nil
    }
}
