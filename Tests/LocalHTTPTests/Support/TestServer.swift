import FoundationEssentials
import LocalHTTP
import Logging
import RawHTTPClient
import Testing

/// A server of its own for one test, in a folder of its own.
struct TestServer: ServerOnSocket {
    let service: ScriptedService
    let folder: String
    let path: String
    let server: LocalServer<ScriptedService>

    init(_ script: ScriptedService.Script = .init(), budget: Duration = .seconds(25)) {
        service = ScriptedService(script)
        folder = "/tmp/local-http-\(UUID().uuidString.prefix(13))"
        path = "\(folder)/sockets/s"
        server = Self.make(path, service, budget)
    }

    /// A second server with the same service.
    func another(path: String? = nil) -> LocalServer<ScriptedService> {
        Self.make(path ?? self.path, service, .seconds(25))
    }

    private static func make(
        _ path: String, _ service: ScriptedService, _ budget: Duration
    ) -> LocalServer<ScriptedService> {
        LocalServer(
            socketPath: path, budget: budget, maximumBodySize: 1 << 20, service: service,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` against a server that serves, and ends it afterwards.
    static func run(
        _ script: ScriptedService.Script = .init(), budget: Duration = .seconds(25),
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer(script, budget: budget).whileServing(body)
    }

    func start() async throws { try await server.start() }

    func drain(timeout: Duration) async { await server.drain(timeout: timeout) }

    /// One call on a connection of its own; nil when the server closed it without a reply.
    func call(_ path: String, _ body: String = "") async throws -> RawReply? {
        try await exchange { try await $0.post(path, body) }
    }

    /// Proves that others are still served.
    func expectServing(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let reply = try await call("/other", "x")
        #expect(reply?.status == 200, sourceLocation: sourceLocation)
        #expect(reply?.body == "/other x", sourceLocation: sourceLocation)
    }
}
