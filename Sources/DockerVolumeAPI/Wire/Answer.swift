import FoundationEssentials
import NIOHTTP1

/// What the client of a call gets.
enum Answer: Equatable, Sendable {
    case reply(Reply)
    /// The connection is closed without a reply, so that Docker sees a failed transport and nothing else.
    case hangUp
}

/// One small response.
struct Reply: Equatable, Sendable {
    static let pluginContentType = "application/vnd.docker.plugins.v1.2+json"

    var status: HTTPResponseStatus = .ok
    var contentType = Reply.pluginContentType
    /// The only method the path knows, told with a 405.
    var allow: HTTPMethod?
    var body: [UInt8]

    /// An error as Docker reads it.
    static func error(_ text: String, status: HTTPResponseStatus = .internalServerError) -> Reply {
        Reply(status: status, body: JSON.encode(ErrorReply(text: text)))
    }
}

// MARK: - Answers to calls

extension Reply {
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
