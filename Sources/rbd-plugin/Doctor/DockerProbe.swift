import Doctor
import FoundationEssentials
import NodeStorage
import UntrustedJSON

/// Asks Docker and the running plugin, where they are.
struct DockerProbe: Sendable {
    let survey: NodeSurvey
    /// Where a plugin without Docker's plugin system listens.
    let socket: String
    private static let limit = Duration.seconds(5)
    private static let pluginFolder = "/run/docker/plugins"

    func look() async -> DockerSeen {
        async let engine = engine()
        async let sockets = sockets()
        let (state, plugins) = await engine
        return DockerSeen(engine: state, plugins: plugins, sockets: await sockets.map(\.seen))
    }

    // MARK: Docker

    private var dockerSocket: String {
        let host = ProcessInfo.processInfo.environment["DOCKER_HOST"] ?? ""
        if host.hasPrefix("unix://") { return String(host.dropFirst("unix://".count)) }
        return (try? Caller.path("/var/run/docker.sock")) ?? "/var/run/docker.sock"
    }

    private func engine() async -> (DockerSeen.Engine, [DockerSeen.Plugin]) {
        async let listed = SocketRequest.get("/plugins", from: dockerSocket, within: Self.limit)
        switch await SocketRequest.get("/version", from: dockerSocket, within: Self.limit) {
        case .absent: return (.absent, [])
        case .silent(let why): return (.silent(why), [])
        case .answered(let answer):
            let version =
                (try? UntrustedJSON.decode(EngineVersion.self, from: answer.body))?.Version ?? "of an unknown version"
            return (.answers(version: version), Self.plugins(await listed))
        }
    }

    private static func plugins(_ listed: SocketRequest.Outcome) -> [DockerSeen.Plugin] {
        guard case .answered(let answer) = listed,
            let plugins = try? UntrustedJSON.decode([EnginePlugin].self, from: answer.body)
        else { return [] }
        return plugins.filter(\.isOurs).map { DockerSeen.Plugin(name: $0.Name, isEnabled: $0.Enabled) }
    }

    private struct EngineVersion: Decodable {
        let Version: String
    }

    /// One of `GET /plugins`.
    private struct EnginePlugin: Decodable {
        struct PluginConfig: Decodable {
            let Entrypoint: [String]?
        }
        let Name: String
        let Enabled: Bool
        let Config: PluginConfig?

        /// Whatever it was named when it was installed.
        var isOurs: Bool { Config?.Entrypoint?.first?.hasSuffix("/rbd-plugin") ?? false }
    }

    // MARK: The plugin

    /// What a plugin's socket says.
    struct Socket: Sendable {
        var seen: DockerSeen.Socket
        /// The body of `/healthz`.
        var health: [UInt8]
    }

    func sockets() async -> [Socket] {
        var paths = [socket]
        for folder in (try? await survey.names(in: Self.pluginFolder)) ?? [] {
            let path = "\(Self.pluginFolder)/\(folder)/rbd.sock"
            if path != socket { paths.append(path) }
        }
        var sockets: [Socket] = []
        for path in paths {
            switch await SocketRequest.get("/healthz", from: path, within: Self.limit) {
            case .absent: continue
            case .silent(let why): sockets.append(Socket(seen: .init(path: path, state: .silent(why)), health: []))
            case .answered(let answer):
                sockets.append(Socket(seen: .init(path: path, state: Self.state(answer)), health: answer.body))
            }
        }
        return sockets
    }

    private static func state(_ answer: SocketRequest.Answer) -> DockerSeen.Socket.State {
        guard let health = try? UntrustedJSON.decode(Health.self, from: answer.body) else {
            return .silent("it answers /healthz with status \(answer.status), and not as this plugin does")
        }
        let troubles = health.components.filter { !$0.ok }.map { "\($0.name): \($0.detail)" }
        return health.healthy ? .healthy : .unwell(troubles.isEmpty ? ["it is not healthy"] : troubles)
    }

    private struct Health: Decodable {
        struct Component: Decodable {
            let name: String
            let ok: Bool
            let detail: String
        }
        let healthy: Bool
        let components: [Component]
    }
}
