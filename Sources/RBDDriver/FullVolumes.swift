import Logging
import VolumeCore

/// Makes mounted volumes larger before they are full.
extension VolumeDriver {
    /// Looks how full the volumes are that this node has mounted and that grow by themselves. Where one is too full, a larger
    /// size is wanted of it from then on, as if an operator had said so: the reconciler does the rest.
    ///
    /// All volumes at the same time. One whose filesystem does not answer is left to the look that waits for it.
    public func growFullVolumes() async {
        await withTaskGroup(of: Void.self) { group in
            for stored in held {
                guard let autogrow = autogrow(of: stored) else {
                    if stored.isSaidToStayFull { group.addTask { await record(nil, of: stored) } }
                    continue
                }
                group.addTask { await looks.takeIfFree(stored.name) { await growIfFull(stored, autogrow) } }
            }
        }
    }

    /// How many volumes had to grow by themselves, by what came of it.
    public var autogrowOutcomes: [AutogrowOutcome: Int] { space.autogrowOutcomes }

    private func autogrow(of stored: StoredVolume) -> Autogrow? {
        guard let volume = stored.volume?.record, volume.phase == .ready, volume.spec.access == .readWrite,
            let attachment = stored.attachment?.record,
            attachment.owner == me, attachment.state == .attached
        else { return nil }
        guard let autogrow = wantedValues(of: volume)?.autogrow else { return nil }
        return volume.policy.flatMap { ports.policies.policy($0) }?.bounding(autogrow) ?? autogrow
    }

    private func growIfFull(_ stored: StoredVolume, _ autogrow: Autogrow) async {
        do {
            try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
                guard let usage = try await usage(of: stored) else { return }
                try await grow(stored, usage, autogrow)
            }
        } catch {
            log.debug("cannot see how full a volume is", metadata: ["volume": "\(stored.name)", "error": "\(error)"])
        }
    }

    private func usage(of stored: StoredVolume) async throws -> FilesystemUsage? {
        guard let device = stored.attachment?.record.exposed, let mountpoint = try await shownMountpoint(of: stored)
        else { return nil }
        return try await ports.filesystems.usage(of: device, mountpoint: mountpoint)
    }

    private func grow(_ stored: StoredVolume, _ usage: FilesystemUsage, _ autogrow: Autogrow) async throws {
        guard let volume = stored.volume?.record else { return }
        switch step(for: stored, usage, autogrow) {
        case .nothing:
            guard !AutogrowRule.isFuller(usage, than: autogrow.at) else { return }
            space.forgetFullness(of: stored.name)
            if stored.isSaidToStayFull { await record(nil, of: stored) }
        case .fullAtMaximum:
            await tell(of: stored, volume, .atMaximum, "it is as large as autogrow.max lets it become")
        case .grow(let size):
            space.noteGrowth(of: stored.name, at: ports.clock.now())
            do {
                // Before its turn: Ceph may take its time, and Docker may want the volume.
                try await ports.images.preflight(volume.spec.resized(to: size))
                try await want(size, of: stored.name, usage, autogrow)
            } catch let error as VolumeError {
                await tell(of: stored, volume, error.outcome == .refused ? .refused : .failed, "\(error)")
            }
        }
    }

    private func step(
        for stored: StoredVolume, _ usage: FilesystemUsage, _ autogrow: Autogrow
    ) -> AutogrowRule.Step {
        // What is wanted already comes first.
        guard let volume = stored.volume?.record, GrowthRule.wanted(stored) == nil else { return .nothing }
        let since = AutogrowRule.sinceGrowth(
            of: volume, now: ports.clock.wallTime(),
            remembered: space.growth(of: stored.name).map { ports.clock.now() - $0 })
        return rules.autogrow(usage, autogrow, volume.spec.size, since)
    }

    /// In the volume's turn: an operation that is under way would take the write for another node's.
    private func want(
        _ size: VolumeSize, of name: VolumeName, _ usage: FilesystemUsage, _ autogrow: Autogrow
    ) async throws {
        try await operation("grow", name) {
            let stored = try await read(name)
            // All of it may have changed since it was looked at. What the policy allows in sum is asked of etcd.
            guard self.autogrow(of: stored) == autogrow, let volume = stored.volume?.record, size > volume.spec.size,
                GrowthRule.wanted(stored) == nil
            else { return }
            let policy = try await ports.policyStore.named(volume.policy)
            guard
                let desired = try GrowthRule.request(
                    size, for: stored, policy: policy, at: ports.clock.wallTime()),
                let attachment = try stored.attachment?.record.applying(.staysFull(nil)),
                try await commit(
                    .init(
                        attachment: .put(attachment), desired: .put(desired),
                        why: "\(VolumeSize.mebibytes(usage.usedBytes >> 20)) of \(volume.spec.size) are used"),
                    over: stored, counting: size,
                    under: policy,
                    "let volume \(name) grow to \(size)") != nil
            else { return }
            space.noteAutogrow(.grown)
            space.forgetFullness(of: name)
            log.step(
                "a volume is nearly full and becomes larger", name,
                [
                    "from": "\(volume.spec.size)", "to": "\(size)", "at": "\(autogrow.at)%",
                    "used": "\(VolumeSize.mebibytes(usage.usedBytes >> 20))",
                ])
        }
    }

    /// Says once why a full volume does not grow, and again when the reason is another one.
    private func tell(
        of stored: StoredVolume, _ volume: VolumeRecord, _ outcome: AutogrowOutcome, _ reason: String
    ) async {
        let isNews = space.noteFullness(of: volume.name, outcome)
        if isNews {
            space.noteAutogrow(outcome)
            log.warning(
                "a volume is nearly full and does not become larger",
                metadata: ["volume": "\(volume.name)", "size": "\(volume.spec.size)", "reason": "\(reason)"])
        }
        // Another wording of the same trouble is no news for the record.
        if isNews || !stored.isSaidToStayFull { await record(reason, of: stored) }
    }

    /// Has the record of the mount say why the volume stays full, for those who look at it on any node. In the volume's turn, as
    /// what is wanted. Where it fails, the next look finds that the record does not say it yet.
    /// - Parameter reason: `nil` when it does not.
    private func record(_ reason: String?, of seen: StoredVolume) async {
        do {
            try await operation("record the fullness of", seen.name) {
                let stored = try await read(seen.name)
                guard let attachment = stored.attachment?.record, attachment.owner == me, attachment.state == .attached,
                    attachment.epoch == seen.attachment?.record.epoch, attachment.autogrowReason != reason
                else { return }
                _ = try await commit(.init(attachment: .put(attachment.applying(.staysFull(reason)))), over: stored)
            }
        } catch {
            log.debug(
                "cannot record why a full volume does not become larger",
                metadata: ["volume": "\(seen.name)", "error": "\(error)"])
        }
    }
}

extension StoredVolume {
    fileprivate var isSaidToStayFull: Bool { attachment?.record.autogrowReason != nil }
}

/// What came of a volume that was to grow by itself.
public enum AutogrowOutcome: String, Sendable, Hashable, CaseIterable {
    case grown
    /// It is as large as it may become.
    case atMaximum = "at-maximum"
    /// The pool, a quota or a rule says no.
    case refused
    case failed
}
