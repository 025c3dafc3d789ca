/// A server of the rig that a test may stop, kill, freeze and bring back.
///
/// Only one of ``DisturbableRig`` can be disturbed: the shared servers are in use by other tests at the same time.
/// Prefer ``disturbed(by:_:)``, after which the server is back whatever happened.
public struct RigServer: Sendable {
    /// What can be done to a server.
    public enum Disturbance: String, Sendable, CaseIterable {
        /// SIGSTOP: connections stay open and nothing answers.
        case pause
        /// SIGTERM: an orderly end.
        case stop
        /// SIGKILL: a crash.
        case kill
    }

    private let environment: RigEnvironment
    private let script: String
    private let names: [String]

    public static func mon(of environment: RigEnvironment) -> RigServer {
        RigServer(environment: environment, script: "ceph", names: ["mon"])
    }

    public static func osd(of environment: RigEnvironment) -> RigServer {
        RigServer(environment: environment, script: "ceph", names: ["osd"])
    }

    public static func etcd(of environment: RigEnvironment) -> RigServer {
        RigServer(environment: environment, script: "etcd", names: [])
    }

    /// SIGSTOP; returns when the process no longer runs.
    public func pause() async throws { try await steer("pause") }
    /// SIGCONT.
    public func resume() async throws { try await steer("resume") }
    /// SIGTERM; returns when the process has ended.
    public func stop() async throws { try await steer("stop") }
    /// SIGKILL; returns when the process has ended.
    public func kill() async throws { try await steer("kill") }
    /// Starts it again on its old address with its old data; returns when it answers.
    public func start() async throws { try await steer("start") }

    /// Disturbs the server, runs the body, and brings the server back even if the body throws.
    @discardableResult
    public func disturbed<Result: Sendable>(
        by disturbance: Disturbance,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await steer(disturbance.rawValue)
        let result: Result
        do {
            result = try await body()
        } catch {
            try await recover(from: disturbance)
            throw error
        }
        try await recover(from: disturbance)
        return result
    }

    private func recover(from disturbance: Disturbance) async throws {
        switch disturbance {
        case .pause: try await resume()
        case .stop, .kill: try await start()
        }
    }

    /// Shielded from cancellation: a test that is called off must still give the server back to the others.
    private func steer(_ verb: String) async throws {
        guard !environment.isShared else {
            throw RigFailure("other tests use this server now; to \(verb) one, take DisturbableRig.exclusively { … }")
        }
        let (script, arguments) = ("\(environment.scripts)/\(script)", [verb] + names + [environment.folder])
        try await Task { _ = try await runTool(script, arguments, within: .seconds(120)).checked() }.value
    }
}
