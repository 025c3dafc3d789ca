import Rig
import Synchronization
import Testing

@testable import EtcdClient

/// Endpoints that are names, and name servers that do not answer.
@Suite(.timeLimit(.minutes(2))) struct SilentNameServerTests {
    private func request(_ endpoint: Endpoint, within timeout: Duration = .seconds(30)) -> HTTPRequest {
        HTTPRequest(
            endpoint: endpoint, method: .post(Array("{}".utf8)), path: "/v3/x",
            deadline: .now.advanced(by: timeout), connectTimeout: .milliseconds(300))
    }

    private func withTransport(
        _ transport: CurlTransport, _ body: (CurlTransport) async throws -> Void
    ) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await body(transport)) } catch { result = .failure(error) }
        await transport.shutdown()
        #expect(transport.statistics.activeTransfers == 0)
        try result.get()
    }

    private func echo() throws -> ScriptedServer {
        try ScriptedServer { _, _ in .answer(status: 200, body: "{}") }
    }

    /// With libcurl's own look-up everything would stand still until the system's resolver gives up, which takes it 10 s.
    @Test("B3: a silent name server holds up the calls that need it, and no other")
    func b3SilentNameServer() async throws {
        let names = try SilentNameServer()
        defer { names.stop() }
        let server = try echo()
        defer { server.stop() }
        let healthy = Endpoint(host: "127.0.0.1", port: server.port)
        let silent = Endpoint(host: "etcd.example", port: server.port)
        let transport = try await names.inhabit {
            try CurlTransport(tls: nil, connectionsPerEndpoint: 4, logger: quietLogger)
        }
        try await withTransport(transport) { transport in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let failure = await #expect(throws: TransportFailure.self) {
                            _ = try await transport.send(request(silent))
                        }
                        #expect(failure?.reason == .timedOut)
                        #expect(failure?.mayHaveBeenSent == false)
                    }
                }
                for _ in 0..<30 {
                    let answer = try await transport.send(request(healthy, within: .seconds(3)))
                    #expect(answer.status == 200)
                    try await Task.sleep(for: .milliseconds(50))
                }
                try await group.waitForAll()
            }
            let stream = transport.open(request(silent))
            await #expect(throws: TransportFailure.self) { _ = try await stream.next() }
        }
        #expect(names.wasAsked)
        #expect(server.requests.count == 30)
    }

    /// A resolver that answers the first question only.
    @Test("B3: a host that was reached before is reached on, when its name server falls silent")
    func b3LastGoodAddress() async throws {
        let server = try ScriptedServer { _, number in
            // Each request needs a connection of its own.
            .answer(status: 200, body: "\(number)", headers: ["Connection: close"])
        }
        defer { server.stop() }
        let asked = Mutex(0)
        let transport = try CurlTransport(tls: nil, connectionsPerEndpoint: 1, logger: quietLogger) { host, done in
            #expect(host == "etcd.example")
            let number = asked.withLock { asked in
                asked += 1
                return asked
            }
            if number == 1 { done(.success(["127.0.0.1"])) }
        }
        try await withTransport(transport) { transport in
            let endpoint = Endpoint(host: "etcd.example", port: server.port)
            for number in 1...5 {
                let answer = try await transport.send(request(endpoint))
                #expect(answer.body == Array("\(number)".utf8))
            }
            #expect(transport.statistics.openedConnections == 5)
            let before = asked.withLock { $0 }
            #expect(before == 1)
            // Nobody listens there: the address is in doubt, and asked for again beside the calls.
            let gone = Endpoint(host: "etcd.example", port: try LoopbackPorts.free(1)[0])
            for _ in 0..<2 {
                await #expect(throws: TransportFailure.self) { _ = try await transport.send(request(gone)) }
            }
            let answer = try await transport.send(request(endpoint))
            #expect(answer.status == 200)
            let after = asked.withLock { $0 }
            #expect(after == 2)
        }
    }

    @Test("B3: a host that moved is found at its new address")
    func b3MovedHost() async throws {
        let server = try echo()
        defer { server.stop() }
        let addresses = Mutex(["127.9.9.9"])
        let transport = try CurlTransport(tls: nil, connectionsPerEndpoint: 1, logger: quietLogger) { _, done in
            done(.success(addresses.withLock { $0 }))
        }
        try await withTransport(transport) { transport in
            let endpoint = Endpoint(host: "etcd.example", port: server.port)
            await #expect(throws: TransportFailure.self) { _ = try await transport.send(request(endpoint)) }
            addresses.withLock { $0 = ["::1", "127.0.0.1"] }
            // The old address fails once more, while the new one is being found.
            await #expect(throws: TransportFailure.self) { _ = try await transport.send(request(endpoint)) }
            let answer = try await transport.send(request(endpoint))
            #expect(answer.status == 200)
        }
    }

    @Test("B3: what the resolver says is in the error")
    func b3UnknownHost() async throws {
        let transport = try CurlTransport(tls: nil, connectionsPerEndpoint: 1, logger: quietLogger) { _, done in
            done(.failure(HostLookUpError(detail: "could not resolve host etcd.example: Name or service not known")))
        }
        try await withTransport(transport) { transport in
            let failure = await #expect(throws: TransportFailure.self) {
                _ = try await transport.send(request(Endpoint(host: "etcd.example", port: 1)))
            }
            #expect(failure?.reason == .connecting)
            #expect(failure?.detail.contains("Name or service not known") == true)
        }
    }

    @Test("B3: the certificate is still checked for the endpoint's name")
    func b3CertificatesAreCheckedForTheName() async throws {
        let certificates = try await EtcdCertificates.make()
        defer { certificates.remove() }
        var options = EtcdServer.Options()
        options.certificates = certificates
        try await EtcdServer.with(options) { server in
            let port = try #require(server.address.split(separator: ":").last.flatMap { UInt16($0) })
            let tls = TLSFiles(certificateAuthority: certificates.authority)
            let transport = try CurlTransport(tls: tls, connectionsPerEndpoint: 1, logger: quietLogger) { _, done in
                done(.success(["127.0.0.1"]))
            }
            try await withTransport(transport) { transport in
                let failure = await #expect(throws: TransportFailure.self) {
                    let other = Endpoint(scheme: .https, host: "etcd.example", port: port)
                    var asked = request(other)
                    asked.connectTimeout = .seconds(10)
                    _ = try await transport.send(asked)
                }
                #expect(failure?.reason == .tls)
            }
        }
    }
}
