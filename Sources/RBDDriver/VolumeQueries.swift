import VolumeCore

/// A volume as Docker and operators see it.
public struct VolumeView: Sendable, Hashable {
    public var volume: VolumeRecord
    /// Of a volume that many nodes read, where this node has it.
    public var attachment: Attachment?
    /// Where it is mounted besides, of a volume that many nodes read.
    public var otherReaders: [Attachment]
    /// The size that it is to have, and has not yet.
    public var wantedSize: VolumeSize?
    /// What is wanted of it while it is in use; `nil` while its policy is not known.
    public var wantedValues: RuntimeSettings?
    /// The work that somebody has asked for.
    public var request: WorkRequest?
    /// Where it is mounted on this node; empty when it is not.
    public var mountpoint: String
    /// When the next snapshot of it may be taken by itself; `nil` where none is to be, or before it has had another owner.
    public var nextSnapshot: WallTime?
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
        let stored = try await known(name)
        guard var shown = view(stored), shown.volume.name.given == nameText else { throw noSuchVolume(nameText) }
        shown.watchers = sightings.find(name)
        return await withConfirmedMountpoint(shown, stored)
    }

    /// What the copy has of the volume, else what etcd says. Where neither can tell, it is asked again for as long as the
    /// call may take: when no plugin knows the name that a container's volume has, Docker makes an empty local volume of it.
    private func known(_ name: VolumeName) async throws -> StoredVolume {
        let end = ports.clock.now() + settings.queryBudget
        return try await Deadline.$current.withValue(end) {
            while true {
                if let known = ports.catalog.find(name), view(known) != nil { return known }
                do {
                    return try await read(name)
                } catch let error as VolumeError where error.mayPass && mayWait(until: end) {
                    try await ports.clock.sleep(for: Self.nextLook)
                }
            }
        }
    }

    private func mayWait(until end: Moment) -> Bool {
        !memory.isEnding && ports.clock.now() + Self.nextLook < end
    }

    /// From now on a question that cannot be answered at once ends without an answer: the plugin is about to end, and the
    /// next one can be asked again.
    public func endWaiting() { memory.noteEnd() }

    /// How long after etcd did not answer it is asked again.
    private static var nextLook: Duration { .seconds(1) }

    /// Asks the kernel where the record alone does not tell. Whether a volume that is to be unmounted can be is tried: until it
    /// is, and as long as it is in use, it is mounted. And what the record says of another mount root has to be confirmed.
    private func withConfirmedMountpoint(_ view: VolumeView, _ stored: StoredVolume) async -> VolumeView {
        guard let attachment = stored.attachment?.record, attachment.owner == me else { return view }
        let isElsewhere = formerMountpoint(attachment, of: stored.name) != nil
        guard isElsewhere || attachment.state == .detaching else { return view }
        var shown = view
        let confirmed = await confirmedMountpoint(of: stored)
        if attachment.state == .attached || attachment.state == .detaching { shown.mountpoint = confirmed ?? "" }
        if isElsewhere { shown.attachment?.mountpoint = confirmed }
        return shown
    }

    private func confirmedMountpoint(of stored: StoredVolume) async -> String? {
        try? await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
            try await shownMountpoint(of: stored)
        }
    }

    /// All volumes, by name. From this node's copy; from etcd when etcd could not be read for the copy.
    public func list() async throws -> [ListedVolume] {
        if !ports.catalog.isLoaded { await ports.catalog.firstReading() }
        if ports.catalog.isLoaded { return await withConfirmedMountpoints(ports.catalog.compactMap(listed), of: held) }
        let all = try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
            try await ports.store.readAll()
        }
        return await withConfirmedMountpoints(all.compactMap(listed), of: all)
    }

    /// Fills in where those volumes are mounted that were mounted below another mount root. They are few, if any.
    private func withConfirmedMountpoints(_ all: [ListedVolume], of stored: [StoredVolume]) async -> [ListedVolume] {
        var confirmed: [VolumeName: String] = [:]
        for stored in stored {
            guard let attachment = stored.attachment?.record, attachment.owner == me, attachment.state == .attached,
                formerMountpoint(attachment, of: stored.name) != nil
            else { continue }
            confirmed[stored.name] = await confirmedMountpoint(of: stored)
        }
        guard !confirmed.isEmpty else { return all }
        return all.map { listed in
            var shown = listed
            shown.mountpoint = confirmed[listed.name] ?? listed.mountpoint
            return shown
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
        return VolumeView(
            volume: volume, attachment: shownAttachment(stored),
            otherReaders: stored.readingNodes.filter { $0.owner.node != me.node }, wantedSize: rules.growth(stored),
            wantedValues: wantedValues(of: volume), request: RequestRule.current(stored),
            mountpoint: mountpoint(stored),
            nextSnapshot: nextSnapshot(of: stored))
    }

    /// Without a mountpoint that no node would have given the volume. Where another node has mounted it cannot be seen here.
    private func shownAttachment(_ stored: StoredVolume) -> Attachment? {
        guard var attachment = stored.attachment?.record else { return nil }
        if attachment.mountpoint != settings.mountpoint(of: stored.name) {
            attachment.mountpoint = formerMountpoint(attachment, of: stored.name)
        }
        return attachment
    }

    /// `nil` as in `view`.
    private func listed(_ stored: StoredVolume) -> ListedVolume? {
        guard let volume = stored.volume?.record, volume.phase != .creating else { return nil }
        return ListedVolume(name: volume.name, createdAt: volume.createdAt, mountpoint: mountpoint(stored))
    }

    /// Where it is mounted here, as far as the record can be believed without asking the kernel.
    private func mountpoint(_ stored: StoredVolume) -> String {
        let usual = settings.mountpoint(of: stored.name)
        guard let attachment = stored.attachment?.record, attachment.owner == me, attachment.state == .attached,
            attachment.mountpoint == usual
        else { return "" }
        return usual
    }

    /// A name that cannot be a volume's is certain not to exist.
    private func nameOfWhatMayExist(_ text: String) throws -> VolumeName {
        do {
            return try VolumeName(given: text)
        } catch {
            throw VolumeError(.notFound, "find the volume", why: "it cannot exist: \(error)", outcome: .refused)
        }
    }

    private func noSuchVolume(_ text: String) -> VolumeError {
        VolumeError.noSuchVolume("find volume \(text)")
    }
}

extension VolumeError {
    /// Whether the same question may be answered a moment later.
    fileprivate var mayPass: Bool { code == .unavailable || code == .timedOut }
}
