import FoundationEssentials
import LocalHTTP

// What Docker and others who ask get.
extension Reply {
    /// In the type that Docker's plugins answer with.
    init(status: Status = .ok, allow: Method? = nil, body: [UInt8]) {
        self.init(
            status: status, contentType: "application/vnd.docker.plugins.v1.2+json", allow: allow?.rawValue, body: body)
    }

    /// An error as Docker reads it.
    static func error(_ text: String, status: Status = .internalServerError) -> Reply {
        Reply(status: status, body: JSON.encode(ErrorReply(text: text)))
    }

    static let done = Reply(body: JSON.encode(ErrorReply(text: "")))
    static let activated = Reply(body: JSON.encode(ActivationReply()))

    static func capabilities(_ scope: VolumeScope) -> Reply {
        Reply(body: JSON.encode(CapabilitiesReply(capabilities: .init(scope: scope))))
    }

    static func mountpoint(_ mountpoint: String) -> Reply {
        Reply(body: JSON.encode(MountpointReply(mountpoint: mountpoint)))
    }

    static func volume(_ volume: VolumeDescription) -> Reply {
        Reply(body: JSON.encode(VolumeReply(volume: VolumeFields(volume))))
    }

    static func volumes(_ volumes: [VolumeDescription]) -> Reply {
        Reply(body: VolumeListText.encode(volumes))
    }

    static func health(_ report: HealthReport) -> Reply {
        Reply(
            status: report.healthy ? .ok : .serviceUnavailable, contentType: "application/json",
            body: JSON.encode(report))
    }

    static func metrics(_ text: String) -> Reply {
        Reply(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text.utf8))
    }
}

/// The one way JSON is written here: sorted keys, plain slashes, no line feed at the end.
private enum JSON {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            // Strings, integers and booleans can always be encoded; what is left is a valid error for Docker.
            return Array(#"{"Err":"the answer could not be encoded as JSON"}"#.utf8)
        }
    }
}
