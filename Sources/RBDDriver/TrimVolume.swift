import Logging
import VolumeCore

/// Gives the blocks that mounted volumes do not use back to Ceph.
extension VolumeDriver {
    /// After a trim that failed, the schedule tries again.
    private static var pauseAfterFailure: Duration { .seconds(3600) }
    /// How long an Unmount waits for a trim to end. What takes longer waits in the kernel.
    private static var patience: Duration { .seconds(5) }

    /// Trims what this node has mounted and is to be trimmed by now: one volume of a pool at a time, all pools at the same time.
    public func trimWhereDue() async {
        let names = scheduled()
        space.watchTrims(of: names.values.flatMap(\.self), at: ports.clock.now())
        await withTaskGroup(of: Void.self) { group in
            for (pool, names) in names {
                group.addTask {
                    await trimming.takeIfFree(pool) {
                        for name in names where isTrimDue(name) { await trimBySchedule(name) }
                    }
                }
            }
        }
    }

    /// The volumes with a schedule that this node has mounted, by pool.
    private func scheduled() -> [String: [VolumeName]] {
        let held = held.filter { [.daily, .weekly].contains(discard(of: $0)) }
        return Dictionary(grouping: held, by: \.pool).mapValues { $0.map(\.name).sorted() }
    }

    private func discard(of stored: StoredVolume) -> Discard {
        guard let volume = stored.volume?.record, volume.phase == .ready, volume.spec.access == .readWrite,
            stored.attachment?.record.state == .attached, let values = wantedValues(of: volume)
        else { return .off }
        return values.discard
    }

    /// By this node's copy, as it is now: a trim before this one may have taken hours.
    private func isTrimDue(_ name: VolumeName) -> Bool {
        guard let stored = ports.catalog.find(name), stored.attachment?.record.owner == me,
            let volume = stored.volume?.record, !Task.isCancelled
        else { return false }
        let now = ports.clock.now()
        if isSilent(stored.pool) { return false }
        guard let known = space.trims(of: name, at: now),
            known.sinceFailure.map({ $0 >= Self.pauseAfterFailure }) != false
        else { return false }
        return rules.isTrimDue(
            ports.clock.wallTime(),
            .init(recorded: volume.trimmedAt, sinceTrim: known.sinceTrim, watched: known.watched), discard(of: stored),
            volume.uid)
    }

    private func trimBySchedule(_ name: VolumeName) async {
        do {
            let bytes = try await trim(name)
            log.step("trimmed volume", name, ["reported-unused": "\(VolumeSize.mebibytes(bytes >> 20))"])
        } catch is TrimEnded {
            log.step("ended the trim of a volume that is to be unmounted", name)
        } catch {
            let isNews = space.noteTrimFailure(of: name, "\(error)", at: ports.clock.now())
            log.log(
                level: isNews ? .warning : .info, "could not trim a volume; trying again in an hour",
                metadata: ["volume": "\(name)", "error": "\(error)"])
        }
    }

    /// Has the volume's filesystem give back what it does not use. The volume's turn is taken only for a moment before and after
    /// that: an Unmount need not wait for the trim, and ends it.
    /// - Returns: how many bytes the filesystem has reported as unused.
    func trim(_ name: VolumeName) async throws -> UInt64 {
        let trim = try await beginTrim(of: name)
        let target = trim.target
        let bytes: UInt64
        do {
            defer { trims.end(name) }
            bytes = try await until(trim.stop) {
                try await ports.filesystems.trim(target.device, target.filesystem, mountpoint: target.mountpoint)
            }
        }
        space.noteTrim(of: name, bytes, at: ports.clock.now())
        await recordTrim(of: name, target.uid)
        return bytes
    }

    private func beginTrim(of name: VolumeName) async throws -> RunningTrim {
        try await operation("trim", name) {
            let stored = try await read(name)
            return try await inSlot(of: stored.pool, to: "trim volume \(name)") {
                guard let target = try await mountedHere(stored) else {
                    throw VolumeError(
                        .conflict, "trim volume \(name)", why: "it is not mounted on this node", outcome: .refused)
                }
                guard let stop = trims.begin(name) else {
                    throw VolumeError(
                        .conflict, "trim volume \(name)", why: "a trim of it is going on", outcome: .refused)
                }
                return RunningTrim(target: target, stop: stop)
            }
        }
    }

    /// - Returns: `nil` when the volume is not wholly mounted here.
    func mountedHere(_ stored: StoredVolume) async throws -> MountedVolume? {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record, attachment.owner == me,
            attachment.state == .attached, let mountpoint = try await shownMountpoint(of: stored),
            let device = try await recordedDevice(of: volume, attachment), try await !isShutOut(device)
        else { return nil }
        return MountedVolume(
            uid: volume.uid, device: device.exposed, filesystem: volume.spec.filesystem, mountpoint: mountpoint)
    }

    /// Runs `body` until it ends, or until it is to stop; then `body` is cancelled and waited for.
    private func until(
        _ stop: Happening, _ body: @escaping @Sendable () async throws -> UInt64
    ) async throws -> UInt64 {
        try await withThrowingTaskGroup(of: UInt64?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await stop.wait()
                return nil
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next().flatMap(\.self) else { throw TrimEnded() }
            return bytes
        }
    }

    /// Where it cannot be recorded, this run remembers it; after a restart the volume may be trimmed once more than it has to.
    private func recordTrim(of name: VolumeName, _ uid: String) async {
        do {
            try await operation("note the trim of", name) {
                let stored = try await read(name)
                guard var volume = stored.volume?.record, volume.uid == uid, volume.phase == .ready,
                    let attachment = stored.attachment?.record, attachment.owner == me, attachment.state == .attached
                else { return }
                volume.trimmedAt = ports.clock.wallTime()
                _ = try await commit(.init(volume: .put(volume)), over: stored)
            }
        } catch {
            log.info("could not record a trim", metadata: ["volume": "\(name)", "error": "\(error)"])
        }
    }

    /// Ends the volume's trim, if there is one: in the volume's turn, where none can begin.
    func endTrim(of name: VolumeName) async {
        guard let end = trims.stop(name) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await end.wait() }
            group.addTask { try? await ports.clock.sleep(for: Self.patience) }
            await group.next()
            group.cancelAll()
        }
    }

    /// How many trims this run has done, and how many bytes they reported.
    public var trimTotals: (trims: Int, bytes: UInt64) { space.trimTotals }
}

/// A volume that this node has mounted, with what its effects are done to.
struct MountedVolume: Sendable {
    let uid: String
    let device: String
    let filesystem: FilesystemType
    let mountpoint: String
}

/// A trim that has begun.
private struct RunningTrim: Sendable {
    let target: MountedVolume
    let stop: Happening
}

/// The volume is to be unmounted.
private struct TrimEnded: Error {}
