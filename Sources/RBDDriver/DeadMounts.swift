import Logging
import VolumeCore

/// With the mappers `fuse` and `nbd` a process carries the data. When it ends, as it does with a managed plugin's
/// container, the kernel still shows device and mount, and every file in it gives an I/O error.
extension VolumeDriver {
    /// Whether the kernel has the recorded device mounted at the volume's mountpoint, and its mapping is still there.
    func isMountedHere(_ stored: StoredVolume) async throws -> Bool {
        guard try await isShownAsMounted(stored) else { return false }
        return try await recordedMapping(stored) == .lives
    }

    /// Whether the kernel has the recorded device mounted where the record says, and where it can be believed.
    func isShownAsMounted(_ stored: StoredVolume) async throws -> Bool { try await shownMountpoint(of: stored) != nil }

    /// Where the kernel has the recorded device mounted, as the record says; `nil` when it has not, and when the record says
    /// what cannot be believed.
    func shownMountpoint(of stored: StoredVolume) async throws -> String? {
        guard let attachment = stored.attachment?.record, attachment.owner == me, let exposed = attachment.exposed,
            let mountpoint = try await believedMountpoint(attachment, of: stored),
            try await ports.mounter.mounted(at: mountpoint)?.device == exposed
        else { return nil }
        return mountpoint
    }

    /// What this node's mapper says of the recorded device. As long as no mapper could be chosen, the kernel is believed. What
    /// was made by a kind that the mapper does not know of is not judged: the setting may have been changed under mounted
    /// volumes.
    /// - Throws: `VolumeError` when the mapper that made it cannot tell.
    private func recordedMapping(_ stored: StoredVolume) async throws -> RecordedMapping {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record,
            let kind = attachment.mapper
        else { return .lives }
        do {
            let device = try await mapped(at: attachment.device)
            // In this order: after a start it is the first question that decides which kinds these are.
            guard ports.mapper.kinds.contains(kind) else { return .lives }
            guard let device else { return .isLost }
            return rules.relation(device, volume, attachment) == .itsImage ? .lives : .isAnothers
        } catch {
            guard ports.mapper.kinds.contains(kind) else { return .lives }
            throw error
        }
    }

    /// The dead mappings whose mounts are still where the plugin made them, whoever has the volumes now.
    func deadMounts() async -> [MappedDevice] {
        var found: [MappedDevice] = []
        for device in (try? await ports.mapper.deadMappings()) ?? [] {
            guard let name = try? VolumeName(device.image.name) else { continue }
            if (try? await isMounted(device, name)) == true { found.append(device) }
        }
        return found
    }

    /// Takes away the mount that a mapping has left which died: before the volume is mapped anew, or because the records do
    /// not give it to this node any more.
    /// - Parameter verb: for which operation.
    /// - Throws: `VolumeError`, `inUse` while Ceph sees somebody, `busy` when files in the dead mount are open. Nothing has
    ///   changed then.
    func clearDeadMount(_ stored: StoredVolume, to verb: String) async throws {
        guard let dead = try await deadMount(of: stored) else { return }
        let what = "\(verb) volume \(stored.name)"
        if dead.isConfirmed {
            try await seeThatNobodyWrites(through: dead, stored, what)
        } else {
            try await refuseIfJustMounted(dead, stored, what)
        }
        do {
            try await ports.mounter.unmount(dead.mountpoint, of: dead.device)
        } catch let error as VolumeError where error.code == .busy {
            throw VolumeError(
                .busy, what,
                why: "the process that served this volume here has died, and its dead mount is in use: \(error.why)",
                remedy:
                    "stop the containers that use the volume here (they get nothing but I/O errors), then try again",
                outcome: .refused)
        }
        log.warning(
            "removed the mount of a dead mapping; containers that still use it get I/O errors",
            metadata: ["volume": "\(stored.name)", "device": "\(dead.device)"])
        // The mapper has no notes of it: it may be alive, and serve containers that have mounts of their own.
        if !dead.isConfirmed, let volume = stored.volume?.record, let attachment = stored.attachment?.record {
            try await shutOutUnseen(attachment, of: volume, besides: [])
        }
    }

    /// A container that was told the mountpoint a moment ago may be about to start, and its client may live.
    private func refuseIfJustMounted(_ dead: DeadMount, _ stored: StoredVolume, _ what: String) async throws {
        guard let volume = stored.volume?.record,
            memory.mayHaveBeenMounted(stored.name, within: settings.handOverGrace, of: ports.clock.now())
        else { return }
        for client in dead.clients where try await mayHave(volume, client) { throw stillOpen(dead, [client], what) }
    }

    private func stillOpen(_ dead: DeadMount, _ clients: [ClientAddress], _ what: String) -> VolumeError {
        VolumeError.inUse(
            what, "the process that served this volume here has died, but its image \(dead.image) is in use",
            by: clients)
    }

    /// What is mounted for the volume and is dead: as the record says, when it gives the volume to this node; else only
    /// what the mapper knows to have made. Anything else at the mountpoint may be somebody else's, and alive.
    private func deadMount(of stored: StoredVolume) async throws -> DeadMount? {
        if let volume = stored.volume?.record, let attachment = stored.attachment?.record,
            let exposed = attachment.exposed, let mountpoint = try await shownMountpoint(of: stored)
        {
            guard try await recordedMapping(stored) == .isLost else { return nil }
            let noted = try await ports.mapper.deadMappings().first { $0.path == attachment.device }
            guard isOf(volume, noted, mountpoint, attachment) else { return nil }
            return DeadMount(
                device: exposed, mountpoint: mountpoint, image: volume.image, imageID: volume.imageID,
                clients: attachment.clients, isConfirmed: noted != nil)
        }
        for dead in try await ports.mapper.deadMappings() where dead.image.name == stored.name.text {
            guard let mountpoint = try await mountpoint(of: dead, stored.name) else { continue }
            return DeadMount(
                device: dead.exposed, mountpoint: mountpoint, image: dead.image, imageID: dead.imageID,
                clients: dead.client.map { [$0] } ?? [], isConfirmed: true)
        }
        return nil
    }

    /// Whether a device without a mapping is the volume's, as its record says. The mapper's notes confirm it; where they are
    /// lost, it is believed at the place only where the plugin mounts the volume anyway.
    private func isOf(
        _ volume: VolumeRecord, _ noted: MappedDevice?, _ mountpoint: String, _ attachment: Attachment
    ) -> Bool {
        guard let noted else { return mountpoint == settings.mountpoint(of: volume.name) }
        return rules.relation(noted, volume, attachment) == .itsImage
    }

    /// That the process has ended is what the mapper says, and it may be wrong: its notes may be lost, or the process one
    /// that it cannot see, with containers that write. So Ceph has to agree.
    ///
    /// A client on the blocklist can write no more, dead or alive: a take-over puts it there before the new owner maps. When
    /// it is not there, nobody may have the image open but the node that the record names, or the image has to be gone. Then
    /// the client is put there: it may only be cut off, and come back.
    private func seeThatNobodyWrites(through dead: DeadMount, _ stored: StoredVolume, _ what: String) async throws {
        // Nor could anybody: other nodes read the image all the time.
        if stored.isShared { return }
        if try await areShutOut(dead.clients) { return }
        let attachment = stored.attachment?.record
        let others = attachment?.owner == me ? [] : attachment?.clients ?? []
        let found = try await inspect(dead.image)
        // Another image may have the name by now: who watches that has nothing to do with this.
        let isGone = found == nil || (dead.imageID != nil && found?.id != dead.imageID)
        let watchers =
            isGone ? [] : try await strangers(to: dead.image, besides: Set(others), seen: found?.watchers ?? [])
        guard watchers.isEmpty else { throw stillOpen(dead, watchers, what) }
        for client in dead.clients where try await mayWrite(client, dead, stored) { try await shutOutDead(client) }
    }

    /// What the mapper has noted on this node can be believed. What only the record says is looked up in the image.
    private func mayWrite(_ client: ClientAddress, _ dead: DeadMount, _ stored: StoredVolume) async throws -> Bool {
        guard let volume = stored.volume?.record, let attachment = stored.attachment?.record,
            attachment.clients.contains(client)
        else { return true }
        return try await mayWrite(client, attachment, volume)
    }

    /// - Returns: `false` also when it is not known who they are.
    private func areShutOut(_ clients: [ClientAddress]) async throws -> Bool {
        for client in clients where try await !ports.fence.isBlocklisted(client) { return false }
        return !clients.isEmpty
    }
}

/// What the mapper says of the device that a record names.
private enum RecordedMapping {
    case lives
    /// Nothing is mapped there.
    case isLost
    /// Another image is mapped there, or one that nobody can tell.
    case isAnothers
}

/// A mount of a device whose mapping has died.
private struct DeadMount {
    /// What is mounted: the top of the stack.
    let device: String
    let mountpoint: String
    let image: ImageReference
    /// The image's id, as far as it is known.
    let imageID: String?
    /// Who wrote through it, as far as that is known.
    let clients: [ClientAddress]
    /// Whether the mapper has noted that the process behind it has ended.
    let isConfirmed: Bool
}
