import VolumeCore

/// A volume as Docker and operators see it.
public struct VolumeView: Sendable, Hashable {
    public var volume: VolumeRecord
    public var attachment: Attachment?
    /// Where it is mounted on this node; empty when it is not.
    public var mountpoint: String
    /// Who was last seen to have the image open; `nil` when nobody has looked yet.
    public var watchers: WatcherSighting?
}

/// What a list says of a volume: there can be very many.
public struct ListedVolume: Sendable, Hashable {
    public var name: VolumeName
    /// RFC 3339.
    public var createdAt: String
    /// Where it is mounted on this node; empty when it is not.
    public var mountpoint: String
}

extension VolumeDriver {
    /// One volume. Answered from this node's copy; only for a name that is not in it etcd is asked, because
    /// "no such volume" makes Docker forget the volume and its users.
    /// - Throws: `VolumeError`, `notFound` only when etcd said so; any other code when the truth is not to be had.
    public func get(_ nameText: String) async throws -> VolumeView {
        let name = try nameOfWhatMayExist(nameText)
        if let known = ports.catalog.find(name), var shown = view(known) {
            shown.watchers = sightings.find(name)
            return await withMountpointWhileDetaching(shown, known)
        }
        let stored = try await Deadline.$current.withValue(ports.clock.now() + policy.workBudget) {
            try await read(name)
        }
        guard let found = view(stored) else { throw noSuchVolume(nameText) }
        return await withMountpointWhileDetaching(found, stored)
    }

    /// Whether a volume that is to be unmounted can be is tried: until it is, and as long as it is in use, it is mounted.
    private func withMountpointWhileDetaching(_ view: VolumeView, _ stored: StoredVolume) async -> VolumeView {
        guard view.attachment?.state == .detaching, (try? await isShownAsMounted(stored)) == true else { return view }
        var shown = view
        shown.mountpoint = view.attachment?.mountpoint ?? ""
        return shown
    }

    /// All volumes, by name. From this node's copy; from etcd when etcd could not be read for the copy.
    public func list() async throws -> [ListedVolume] {
        if !ports.catalog.isLoaded { await ports.catalog.firstReading() }
        if ports.catalog.isLoaded { return ports.catalog.compactMap(listed) }
        return try await Deadline.$current.withValue(ports.clock.now() + policy.workBudget) {
            try await ports.store.readAll().compactMap(listed)
        }
    }

    /// The volumes that the records give to this boot of this node, by name. From this node's copy.
    public var held: [StoredVolume] { ports.catalog.unsettled().filter { $0.attachment?.record.owner == me } }

    /// Where the volume is mounted on this node; empty when it is not.
    public func path(_ nameText: String) async throws -> String {
        try await get(nameText).mountpoint
    }

    /// `nil` for a volume that is not wholly created: Docker is to ask for its creation (again), which carries on.
    private func view(_ stored: StoredVolume) -> VolumeView? {
        guard let volume = stored.volume?.record, volume.phase != .creating else { return nil }
        return VolumeView(volume: volume, attachment: stored.attachment?.record, mountpoint: mountpoint(stored))
    }

    /// `nil` as in `view`.
    private func listed(_ stored: StoredVolume) -> ListedVolume? {
        guard let volume = stored.volume?.record, volume.phase != .creating else { return nil }
        return ListedVolume(name: stored.name, createdAt: volume.createdAt, mountpoint: mountpoint(stored))
    }

    private func mountpoint(_ stored: StoredVolume) -> String {
        guard let attachment = stored.attachment?.record, attachment.owner == me, attachment.state == .attached else {
            return ""
        }
        return attachment.mountpoint ?? ""
    }

    /// A name that cannot be a volume's is certain not to exist.
    private func nameOfWhatMayExist(_ text: String) throws -> VolumeName {
        do {
            return try VolumeName(text)
        } catch {
            throw VolumeError(
                .notFound, "find the volume", why: "there can be none: \(error)", outcome: .refused)
        }
    }

    private func noSuchVolume(_ text: String) -> VolumeError {
        VolumeError(.notFound, "find volume \(text)", why: "there is no such volume", outcome: .refused)
    }
}
