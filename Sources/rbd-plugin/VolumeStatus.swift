import DockerVolumeAPI
import RBDDriver
import VolumeCore

extension VolumeDescription {
    /// What `docker volume inspect` shows.
    init(_ view: VolumeView) {
        self.init(
            name: view.volume.name.text, mountpoint: view.mountpoint, createdAt: view.volume.createdAt,
            status: Self.status(of: view))
    }

    /// What List says: Docker passes over anything else in it.
    init(_ listed: ListedVolume) {
        self.init(name: listed.name.text, mountpoint: listed.mountpoint, createdAt: listed.createdAt)
    }

    private static func status(of view: VolumeView) -> [String: StatusValue] {
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
        ]
        if let id = volume.imageID { status["imageID"] = .string(id) }
        if !volume.spec.dataPool.isEmpty { status["dataPool"] = .string(volume.spec.dataPool) }
        if volume.adopted { status["adopted"] = true }
        if let attachment = view.attachment { status["mount"] = .object(mount(attachment)) }
        if let sighting = view.watchers {
            status["watchers"] = .array(sighting.watchers.map { .string("\($0)") })
            status["watchersSeenAt"] = .string(sighting.seenAt)
        }
        return status
    }

    private static func mount(_ attachment: Attachment) -> [String: StatusValue] {
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
        return mount
    }
}
