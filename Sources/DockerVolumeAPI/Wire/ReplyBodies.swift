/// Where Docker may use a volume: on the node that made it or on all nodes of a Swarm.
public enum VolumeScope: String, Sendable, Encodable {
    case local
    case global
}

struct ErrorReply: Encodable {
    var text: String

    enum CodingKeys: String, CodingKey {
        case text = "Err"
    }
}

struct ActivationReply: Encodable {
    var implements = ["VolumeDriver"]

    enum CodingKeys: String, CodingKey {
        case implements = "Implements"
    }
}

struct CapabilitiesReply: Encodable {
    struct Capabilities: Encodable {
        var scope: VolumeScope

        enum CodingKeys: String, CodingKey {
            case scope = "Scope"
        }
    }

    var capabilities: Capabilities

    enum CodingKeys: String, CodingKey {
        case capabilities = "Capabilities"
    }
}

struct MountpointReply: Encodable {
    var text = ""
    var mountpoint: String

    enum CodingKeys: String, CodingKey {
        case text = "Err"
        case mountpoint = "Mountpoint"
    }
}

struct VolumeReply: Encodable {
    var text = ""
    var volume: VolumeFields

    enum CodingKeys: String, CodingKey {
        case text = "Err"
        case volume = "Volume"
    }
}

/// A volume on the wire. `CreatedAt` is a time or absent, `Status` always an object: with anything else Docker cannot
/// decode the answer and forgets the volume.
struct VolumeFields: Encodable {
    var name: String
    var mountpoint: String
    var createdAt: String?
    var status: [String: StatusValue]

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case mountpoint = "Mountpoint"
        case createdAt = "CreatedAt"
        case status = "Status"
    }

    init(_ volume: VolumeDescription) {
        name = volume.name
        mountpoint = volume.mountpoint
        createdAt = volume.createdAt.flatMap { RFC3339.isTime($0) ? $0 : nil }
        status = volume.status
    }
}
