import EtcdClient
import Rig
import Testing

/// The contract with a real etcd. One test at a time: each starts a server of its own.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RealEtcdTests {}

/// Runs `body` with a fresh server and a client of it.
@discardableResult
func withEtcd<Result: Sendable>(
    _ options: EtcdServer.Options = EtcdServer.Options(), change: (inout EtcdConfiguration) -> Void = { _ in },
    _ body: (EtcdServer, EtcdClient) async throws -> Result
) async throws -> Result {
    try await EtcdServer.with(options) { server in
        try await withClient(try makeClient(server.url, change: change)) { client in
            try await body(server, client)
        }
    }
}

/// Runs `body` with a client, shuts it down and sees that nothing is left of it.
@discardableResult
func withClient<Result>(_ client: EtcdClient, _ body: (EtcdClient) async throws -> Result) async throws -> Result {
    do {
        let result = try await body(client)
        await client.shutdown()
        #expect(client.statistics.activeTransfers == 0)
        return result
    } catch {
        await client.shutdown()
        throw error
    }
}

/// Fast enough for tests.
func quickWatch(_ configuration: inout EtcdConfiguration) {
    configuration.watch.probeInterval = .milliseconds(300)
    configuration.watch.shortestBackoff = .milliseconds(10)
    configuration.watch.longestBackoff = .milliseconds(100)
}

extension EtcdWatch.Iterator {
    /// The next event batch, past whatever is told of the connection and of progress.
    mutating func nextEvents() async throws -> [WatchEvent] {
        while let element = try await next() {
            switch element {
            case .events(let events, _): return events
            case .compacted, .replaced: throw UnexpectedEnd()
            case .connected, .disconnected, .progress: continue
            }
        }
        throw UnexpectedEnd()
    }

    /// Reads until the watch stands.
    mutating func waitUntilConnected() async throws {
        while let element = try await next() {
            if case .connected = element { return }
        }
        throw UnexpectedEnd()
    }
}

struct UnexpectedEnd: Error {}
