import DockerVolumeAPI
import FoundationEssentials
import Logging
import PrometheusMetrics
import RawHTTPClient
import Testing

/// A server of its own for one test, in a folder of its own.
struct TestServer: ServerOnSocket {
    let plugin: ScriptedPlugin
    let registry = PrometheusRegistry(help: OperationMetrics.help)
    let folder: String
    let path: String
    let server: VolumeServer

    init(_ script: ScriptedPlugin.Script = .init(), budget: Duration = .seconds(25), bodyLimit: Int = 1 << 20) {
        let registry = registry
        plugin = ScriptedPlugin(script)
        folder = "/tmp/rbd-api-\(UUID().uuidString.prefix(13))"
        path = "\(folder)/plugins/rbd.sock"
        server = VolumeServer(
            configuration: .init(socketPath: path, budget: budget, maximumBodySize: bodyLimit),
            plugin: plugin, metricsText: { registry.render() }, metrics: registry,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` against a server that serves, and ends it afterwards.
    static func run(
        _ script: ScriptedPlugin.Script = .init(), budget: Duration = .seconds(25), bodyLimit: Int = 1 << 20,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer(script, budget: budget, bodyLimit: bodyLimit).whileServing(body)
    }

    func start() async throws { try await server.start() }

    func drain(timeout: Duration) async { await server.drain(timeout: timeout) }

    /// One call on a connection of its own; nil when the server closed it without a reply.
    func call(_ path: String, _ body: String = "{}") async throws -> RawReply? {
        try await exchange { try await $0.post(path, body) }
    }

    /// One call on a connection of its own has to be answered with that status.
    func expect(
        _ status: Int, _ path: String, _ body: String = "{}", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let reply = try await call(path, body)
        #expect(reply?.status == status, sourceLocation: sourceLocation)
    }

    /// What `GET /metrics` would show.
    func metrics() -> String {
        registry.render()
    }

    /// One GET on a connection of its own.
    func get(_ path: String) async throws -> RawReply? {
        try await exchange { try await $0.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n") }
    }

    /// Proves that others are still served.
    func expectServing(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let reply = try await call("/VolumeDriver.Mount", #"{"Name":"other","ID":"1"}"#)
        #expect(reply?.status == 200, sourceLocation: sourceLocation)
        #expect(reply?.body == #"{"Err":"","Mountpoint":"/mnt/other"}"#, sourceLocation: sourceLocation)
    }
}

extension TestServer {
    /// Waits until the metrics contain that line.
    func until(_ line: String) async throws {
        while !registry.render().contains("rbd_plugin_\(line)\n") { try await Task.sleep(for: .milliseconds(5)) }
    }
}
