/// Docker's side of a volume plugin: its calls, each over a connection of its own.
///
/// A call that is answered with an error does not throw; ``PluginAnswer/checked()`` makes it. What throws is a missing
/// answer (``ConnectionFailure``) or one that Docker could not decode (``RigFailure``).
public struct PluginClient: Sendable {
    public let socket: String
    /// How long to wait for each answer.
    public let limit: Duration

    public init(socket: String, within limit: Duration = .seconds(60)) {
        self.socket = socket
        self.limit = limit
    }

    /// `VolumeDriver.Create`; `options: nil` sends `Opts: null`.
    public func create(_ name: String, options: [String: String]? = [:]) async throws -> PluginAnswer {
        let opts: JSONValue = options.map { .object($0.mapValues(JSONValue.string)) } ?? .null
        return try await call("VolumeDriver.Create", ["Name": .string(name), "Opts": opts])
    }

    /// `VolumeDriver.Remove`
    public func remove(_ name: String) async throws -> PluginAnswer {
        try await call("VolumeDriver.Remove", ["Name": .string(name)])
    }

    /// `VolumeDriver.Mount`
    public func mount(_ name: String, id: String) async throws -> PluginAnswer {
        try await call("VolumeDriver.Mount", ["Name": .string(name), "ID": .string(id)])
    }

    /// `VolumeDriver.Unmount`
    public func unmount(_ name: String, id: String) async throws -> PluginAnswer {
        try await call("VolumeDriver.Unmount", ["Name": .string(name), "ID": .string(id)])
    }

    /// `VolumeDriver.Path`
    public func path(_ name: String) async throws -> PluginAnswer {
        try await call("VolumeDriver.Path", ["Name": .string(name)])
    }

    /// `VolumeDriver.Get`
    public func get(_ name: String) async throws -> PluginAnswer {
        try await call("VolumeDriver.Get", ["Name": .string(name)])
    }

    /// `VolumeDriver.List`
    public func list() async throws -> PluginAnswer {
        try await call("VolumeDriver.List", [:])
    }

    /// `VolumeDriver.Capabilities`
    public func capabilities() async throws -> PluginAnswer {
        try await call("VolumeDriver.Capabilities", [:])
    }

    /// `Plugin.Activate`, which comes with no body.
    public func activate() async throws -> PluginAnswer {
        try PluginAnswer(try await exchange(DockerRequest.call("Plugin.Activate", body: [])))
    }

    /// Any call with any members.
    public func call(_ method: String, _ members: [String: JSONValue]) async throws -> PluginAnswer {
        try PluginAnswer(try await exchange(DockerRequest.call(method, .object(members))))
    }

    /// Any call with any bytes for a body.
    public func call(_ method: String, body: [UInt8]) async throws -> HTTPAnswer {
        try await exchange(DockerRequest.call(method, body: body))
    }

    /// `GET path`
    public func fetch(_ path: String) async throws -> HTTPAnswer {
        try await exchange(DockerRequest.get(path))
    }

    /// Sends any bytes over a connection of their own and waits for one answer.
    public func exchange(_ request: [UInt8]) async throws -> HTTPAnswer {
        var connection = try await connect()
        return try await connection.exchange(request, within: limit)
    }

    /// A connection to keep.
    public func connect() async throws -> PluginConnection {
        try await PluginConnection(to: socket)
    }
}
