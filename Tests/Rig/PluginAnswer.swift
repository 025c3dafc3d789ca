import FoundationEssentials

/// A plugin's answer to one of Docker's calls, decoded as dockerd decodes it.
public struct PluginAnswer: Sendable {
    /// The HTTP status; only 200 is success to Docker.
    public let status: Int
    /// The body as it came.
    public let text: String
    /// `Err`: empty when there is none.
    public let error: String
    public let mountpoint: String
    public let volume: Volume?
    public let volumes: [Volume]?
    /// `Capabilities.Scope`
    public let scope: String?
    /// `Implements`, of `Plugin.Activate`.
    public let implements: [String]?

    /// A volume in the answers to Get and List.
    public struct Volume: Decodable, Equatable, Sendable {
        public let name: String
        public let mountpoint: String
        public let createdAt: String?
        public let status: [String: JSONValue]

        private enum CodingKeys: String, CodingKey {
            case name = "Name"
            case mountpoint = "Mountpoint"
            case createdAt = "CreatedAt"
            case status = "Status"
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            name = try values.decode(String.self, forKey: .name)
            mountpoint = try values.decodeIfPresent(String.self, forKey: .mountpoint) ?? ""
            createdAt = try values.decodeIfPresent(String.self, forKey: .createdAt)
            status = try values.decodeIfPresent([String: JSONValue].self, forKey: .status) ?? [:]
        }
    }

    private struct Wire: Decodable {
        let Err: String?
        let Mountpoint: String?
        let Volume: PluginAnswer.Volume?
        let Volumes: [PluginAnswer.Volume]?
        let Capabilities: Scope?
        let Implements: [String]?

        struct Scope: Decodable { let Scope: String }
    }

    /// - Throws: ``RigFailure`` when the body is not what Docker can decode.
    public init(_ answer: HTTPAnswer) throws {
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: Data(answer.body))
        } catch {
            throw RigFailure("Docker could not decode this answer (status \(answer.status), \(error)): \(answer.text)")
        }
        status = answer.status
        text = answer.text
        error = wire.Err ?? ""
        mountpoint = wire.Mountpoint ?? ""
        volume = wire.Volume
        volumes = wire.Volumes
        scope = wire.Capabilities?.Scope
        implements = wire.Implements
    }

    /// What Docker takes for success.
    public var succeeded: Bool { status == 200 && error.isEmpty }

    /// - Throws: ``RigFailure`` with the plugin's words when the call did not succeed.
    @discardableResult
    public func checked() throws -> PluginAnswer {
        guard succeeded else {
            throw RigFailure("the plugin answered with status \(status): \(error.isEmpty ? text : error)")
        }
        return self
    }
}
