/// What stands behind the socket. The server decodes, calls one of these and encodes what comes back.
///
/// Names, options and ids are handed on exactly as they arrived, however odd; calls for one volume may run at the same
/// time. An error that is thrown is told to Docker as `String(describing: error)`.
public protocol VolumePlugin: Sendable {
    func create(name: String, options: [String: String]) async throws
    func remove(name: String) async throws
    /// Returns the mountpoint.
    func mount(name: String, id: String) async throws -> String
    /// Returns the mountpoint, `""` when the volume is not mounted here.
    func path(name: String) async throws -> String
    func unmount(name: String, id: String) async throws
    /// An error thrown here makes Docker forget the volume: throw `NoTruthfulAnswer` unless it is certain that there is
    /// no such volume.
    func get(name: String) async throws -> VolumeDescription
    /// Without their status, which Docker asks for one by one.
    func list() async throws -> [VolumeDescription]
    /// How the plugin and what it needs are doing. Asked by `GET /healthz`.
    func health() async -> HealthReport
}

/// A volume as Docker shows it.
public struct VolumeDescription: Sendable, Equatable {
    /// Exactly the name that Docker knows it by.
    public var name: String
    /// `""` when the volume is not mounted here.
    public var mountpoint: String
    /// RFC 3339. Anything else is left out of the answer, because Docker could not decode it.
    public var createdAt: String?
    /// What `docker volume inspect` shows as `Status`.
    public var status: [String: StatusValue]

    public init(
        name: String, mountpoint: String = "", createdAt: String? = nil, status: [String: StatusValue] = [:]
    ) {
        self.name = name
        self.mountpoint = mountpoint
        self.createdAt = createdAt
        self.status = status
    }
}

/// The plugin cannot say what is true of the volume, for example because the volume store does not answer.
///
/// Docker takes any error in answer to a Get for "this volume is gone" and lets go of a volume in use. A Get that throws
/// this has its connection closed without a reply, which Docker takes for a failed transport and asks again. For all
/// other calls it is an error like any other: Docker harms nothing because of it, and a person gets to read why.
public struct NoTruthfulAnswer: Error, CustomStringConvertible, Sendable {
    /// For the log: what was asked of whom, and what went wrong.
    public var why: String

    public init(why: String) {
        self.why = why
    }

    public var description: String { why }
}

/// An error that says how its call is counted in `rbd_plugin_operations_total`; all others count as `failed`. With `ok` it is
/// what the call asked for, told as an error because Docker shows nothing else, and the log does not say that the call failed.
public protocol OutcomeReporting: Error {
    var outcome: OperationOutcome { get }
}
