import Logging
import VolumeCore

extension VolumeDriver {
    /// Mounts the volume on this node, or counts one more user of it.
    /// - Returns: the mountpoint.
    public func mount(_ nameText: String, id: String) async throws -> String {
        let name = try VolumeName(given: nameText)
        return try await operation("mount", name) {
            let unfinished = rules.replacesFailedUnmounts ? memory.withdraw(.init(name: name, id: id)) : 0
            do {
                let mountpoint = try await mount(name, MountingID(text: id, unfinished: unfinished))
                memory.noteMount(of: name, at: ports.clock.now(), keptFor: settings.handOverGrace)
                return mountpoint
            } catch {
                for _ in 0..<unfinished { memory.postpone(.init(name: name, id: id)) }
                throw error
            }
        }
    }

    private func mount(_ name: VolumeName, _ id: MountingID) async throws -> String {
        let giveUp = ports.clock.now() + settings.handOverWait
        while true {
            let stored = try await read(name)
            try refuseOtherName(name, stored, to: "mount")
            let step = try rules.mount(
                stored, me, try await isMountedHere(stored), try await isAlive(stored.attachment?.record.owner))
            func placed(_ body: () async throws -> String?) async throws -> String? {
                // Before anything is claimed, fenced or mapped.
                try stored.volume?.record.spec.refuseDangerousOptions(of: name)
                return try await inSlot(of: stored.pool, to: "mount volume \(name)", body)
            }
            switch step {
            case .count:
                try refuseWhileSilent(id.text, over: stored)
                if let mountpoint = try await count(id, over: stored) { return mountpoint }
            case .attach:
                if let mountpoint = try await placed({ try await claimAndAttach(id.text, over: stored) }) {
                    return mountpoint
                }
            case .reattach:
                if let mountpoint = try await placed({ try await reattach(id, over: stored) }) { return mountpoint }
            case .takeOver:
                if let mountpoint = try await placed({ try await takeOver(id.text, over: stored) }) {
                    return mountpoint
                }
            case .wait:
                guard ports.clock.now() < giveUp else {
                    await withdraw(from: stored)
                    throw MountRule.refusal(stored)
                }
                try await ask(for: stored)
                try await ports.clock.sleep(for: settings.pollInterval)
            }
        }
    }

    private func count(_ id: MountingID, over stored: StoredVolume) async throws -> String? {
        guard let attachment = stored.attachment?.record,
            let mountpoint = try await believedMountpoint(attachment, of: stored)
        else { return nil }
        let written = try await commit(.init(attachment: .put(counting(id, in: attachment))), over: stored)
        return written == nil ? nil : mountpoint
    }

    private func counting(_ id: MountingID, in attachment: Attachment) -> Attachment {
        rules.count(attachment, id.text, id.unfinished)
    }

    private func claimAndAttach(_ id: String, over stored: StoredVolume) async throws -> String? {
        guard let volume = stored.volume?.record else { return nil }
        try await clearDeadMount(stored, to: "mount")
        let claim = VolumeClaim(volume, by: me, mountID: id, since: ports.clock.timestamp())
        guard let claimed = try await commit(claim.change, over: stored) else { return nil }
        log.step("claimed volume", stored.name, ["epoch": "\(claim.attachment.epoch)"])
        return try await attach(claimed)
    }

    /// This boot has the volume, but not as recorded: begin again from what the kernel says.
    private func reattach(_ id: MountingID, over stored: StoredVolume) async throws -> String? {
        guard let attachment = stored.attachment?.record else { return nil }
        try await clearDeadMount(stored, to: "mount")
        let again = try attachment.applying(.reattach).countingAnew(id.text)
        guard let claimed = try await commit(.init(attachment: .put(again)), over: stored) else { return nil }
        log.step(
            "the volume is not mounted as recorded; attaching it again", stored.name, ["state": "\(attachment.state)"])
        return try await attach(claimed, after: attachment.state)
    }
}

/// The id that a Mount comes with.
private struct MountingID {
    let text: String
    /// How many Unmounts of it failed and were postponed. This Mount takes their place.
    let unfinished: Int
}
