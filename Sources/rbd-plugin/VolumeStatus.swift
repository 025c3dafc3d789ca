import DockerVolumeAPI
import NodeStorage
import RBDDriver
import VolumeCore

/// The plugin's mount root, and where the host has it.
struct MountpointsOnHost: Sendable {
    let root: String
    let host: HostFolder

    init(root: String) {
        self.root = root
        host = HostFolder.find(root)
    }

    /// `nil` when it is not known, or not mounted.
    func path(of mountpoint: String) -> String? { host.path(of: mountpoint, below: root) }
}

extension VolumeDescription {
    /// What `docker volume inspect` shows. Docker passes the mountpoint on as it is in the answer to a Get: it is the one
    /// that people find on the host, where that is known.
    init(_ view: VolumeView, _ mountpoints: MountpointsOnHost) {
        let onHost = mountpoints.path(of: view.mountpoint)
        self.init(
            name: view.volume.name.given, mountpoint: onHost ?? view.mountpoint, createdAt: view.volume.createdAt,
            status: Self.status(of: view, hostMountpoint: onHost))
    }

    /// What List says: Docker passes over anything else in it.
    init(_ listed: ListedVolume) {
        self.init(name: listed.name.given, mountpoint: listed.mountpoint, createdAt: listed.createdAt)
    }

    private static func status(of view: VolumeView, hostMountpoint: String?) -> [String: StatusValue] {
        let volume = view.volume
        var status: [String: StatusValue] = [
            "phase": .string(volume.phase.rawValue),
            "image": .string("\(volume.image)"),
            "size": .string("\(volume.spec.size)"),
            "sizeBytes": .int(Int64(volume.spec.size.bytes)),
            "order": .int(Int64(volume.spec.order)),
            "features": .array(volume.spec.features.names.map { .string($0) }),
            "filesystem": .string(volume.spec.filesystem.rawValue),
            "epoch": .int(Int64(volume.epoch.number)),
            "uid": .string(volume.uid),
            "options": .object(volume.options.mapValues { .string($0) }),
        ]
        if let id = volume.imageID { status["imageID"] = .string(id) }
        if !volume.spec.dataPool.isEmpty { status["dataPool"] = .string(volume.spec.dataPool) }
        if let striping = volume.spec.striping { status["striping"] = .string("\(striping)") }
        if let size = view.wantedSize {
            status["wantedSize"] = .string("\(size)")
            if let reason = view.attachment?.growthReason { status["wantedSizeFailed"] = .string(reason) }
        }
        if let reason = view.attachment?.autogrowReason { status["autogrowFailed"] = .string(reason) }
        if volume.adopted { status["adopted"] = true }
        if volume.spec.access == .readOnly { status["access"] = .string(volume.spec.access.rawValue) }
        if let origin = volume.clonedFrom { status["clonedFrom"] = .object(shown(origin)) }
        if volume.isProtected { status["protected"] = true }
        if let policy = volume.policy { status["policy"] = .string("\(policy)") }
        if let request = view.request { status["request"] = .object(self.request(request)) }
        status.merge(values(view)) { $1 }
        if let schedule = view.wantedValues?.schedule { status["schedule"] = .object(shown(schedule, view)) }
        if let attachment = view.attachment {
            status["mount"] = .object(mount(attachment, hostMountpoint: hostMountpoint))
        }
        if !view.otherReaders.isEmpty {
            status["readByOthers"] = .array(view.otherReaders.map { .string($0.owner.node) })
        }
        if let sighting = view.watchers {
            status["watchers"] = .array(sighting.watchers.map { .string("\($0)") })
            status["watchersSeenAt"] = .string(sighting.seenAt)
            if let snapshots = sighting.snapshots { status.merge(shown(snapshots)) { $1 } }
        }
        return status.merging(optionsInForce(volume.spec)) { $1 }
    }

    /// The newest, when there are many; how many there are is said in any case.
    private static func shown(_ sighting: SnapshotSighting) -> [String: StatusValue] {
        let all = sighting.newest.map { snapshot in
            StatusValue.object([
                "name": .string(snapshot.name), "size": .string("\(snapshot.size)"),
                "takenAt": .string("\(snapshot.takenAt)"), "kind": .string(snapshot.kind.rawValue),
            ])
        }
        return [
            "snapshots": .array(all), "snapshotCount": .int(Int64(sighting.count)),
            "snapshotsSeenAt": .string(sighting.seenAt),
        ]
    }

    private static func shown(_ origin: CloneOrigin) -> [String: StatusValue] {
        var shown: [String: StatusValue] = [
            "volume": .string(origin.volume.given), "uid": .string(origin.uid), "depth": .int(Int64(origin.depth)),
        ]
        if !origin.isOfNow { shown["snapshot"] = .string(origin.snapshot.text) }
        return shown
    }

    private static func request(_ request: WorkRequest) -> [String: StatusValue] {
        var shown: [String: StatusValue] = [
            "toBe": .string("\(request.work)"), "state": .string(request.state.rawValue),
            "askedBy": .string(request.askedBy), "since": .string("\(request.since)"),
        ]
        if let node = request.node { shown["node"] = .string(node.node) }
        if let progress = request.progress { shown["percent"] = .int(Int64(progress)) }
        if let result = request.result { shown["result"] = .string(result) }
        return shown
    }

    /// When snapshots are taken by themselves. `next` is absent while there is nothing new to take.
    private static func shown(_ schedule: SnapshotSchedule, _ view: VolumeView) -> [String: StatusValue] {
        var shown: [String: StatusValue] = ["keep": .string("\(schedule.keep)")]
        if let every = view.wantedValues?[.snapshotFrequency] { shown["every"] = .string(every) }
        if let last = view.volume.schedule?.last { shown["last"] = .string("\(last)") }
        if let next = view.nextSnapshot { shown["next"] = .string("\(next)") }
        return shown
    }

    /// What holds of it while it is in use. What is wanted and what is in force are both shown where they differ.
    private static func values(_ view: VolumeView) -> [String: StatusValue] {
        var shown: [String: StatusValue] = [:]
        func show(_ name: String, _ values: RuntimeSettings) {
            guard !values.all.isEmpty else { return }
            let pairs = values.all.map { ($0.option.rawValue, StatusValue.string($0.value)) }
            shown[name] = .object(Dictionary(uniqueKeysWithValues: pairs))
        }
        if let wanted = view.wantedValues { show("values", wanted) }
        guard let mount = view.attachment, mount.state == .attached else { return shown }
        if mount.inForce.values != view.wantedValues { show("valuesInForce", mount.inForce.values) }
        if let reason = mount.inForce.reason { shown["valuesNotInForce"] = .string(reason) }
        return shown
    }

    /// How it is made, mapped and mounted, whichever node is asked: Docker itself shows the options on the node alone that
    /// created the volume. What is not set is left out.
    private static func optionsInForce(_ spec: VolumeSpec) -> [String: StatusValue] {
        var shown: [String: StatusValue] = [:]
        let lists = [
            "mkfsOptions": spec.mkfsOptions, "mountOptions": spec.mountOptions, "mapOptions": spec.mapOptions,
        ]
        for (name, words) in lists where !words.isEmpty { shown[name] = .array(words.map { .string($0) }) }
        var owner: [String: StatusValue] = [:]
        if let uid = spec.uid { owner["uid"] = .int(Int64(uid)) }
        if let gid = spec.gid { owner["gid"] = .int(Int64(gid)) }
        if let mode = spec.mode { owner["mode"] = .string("0" + String(mode, radix: 8)) }
        if !owner.isEmpty { shown["rootDirectory"] = .object(owner) }
        return shown
    }

    private static func mount(_ attachment: Attachment, hostMountpoint: String?) -> [String: StatusValue] {
        var mount: [String: StatusValue] = [
            "node": .string(attachment.owner.node),
            "state": .string(attachment.state.rawValue),
            "since": .string(attachment.since),
            "epoch": .int(Int64(attachment.epoch.number)),
            "ids": .object(attachment.mountIDs.mapValues { .int(Int64($0)) }),
            "clients": .array(attachment.clients.map { .string("\($0)") }),
        ]
        if let device = attachment.device { mount["device"] = .string(device) }
        if let mapper = attachment.mapper { mount["mapper"] = .string(mapper) }
        if let mountpoint = attachment.mountpoint { mount["mountpoint"] = .string(mountpoint) }
        if let hostMountpoint { mount["hostMountpoint"] = .string(hostMountpoint) }
        return mount
    }
}
