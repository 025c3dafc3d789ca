import EtcdClient
import Rig
import Testing

extension RealEtcdTests {
    @Suite struct Authenticating {
        private static let password = "correct horse"

        private func withUser(
            _ flags: [String] = [], password: String = password,
            _ body: (EtcdServer, EtcdClient) async throws -> Void
        ) async throws {
            try await EtcdServer.with(EtcdServer.Options(flags: flags)) { server in
                try await server.enableAuthentication(
                    rootPassword: "r", user: "u", password: Self.password, prefix: "mine/")
                let client = try makeClient(server.url) { configuration in
                    quickWatch(&configuration)
                    configuration.credentials = EtcdCredentials(username: "u", password: password)
                }
                try await withClient(client) { try await body(server, $0) }
            }
        }

        @Test func aUserMayDoWhatItsRoleAllows() async throws {
            try await withUser { _, client in
                try await client.put("mine/a", "1")
                #expect(try await client.get("mine/a")?.text == "1")
                #expect(try await client.list(prefix: "mine/").kvs.count == 1)
                let lease = try await client.grantLease(ttl: .seconds(60))
                #expect(try await client.keepAlive(lease.id) != nil)
                #expect(try await client.version().server.hasPrefix("3."))

                let write = try await failure { try await client.put("other", "1") }
                #expect(write.code == .permissionDenied && write.outcome == .refused)
                let read = try await failure { _ = try await client.get("other") }
                #expect(read.code == .permissionDenied)
                var watch = client.watch(key: "other").makeAsyncIterator()
                let watching = try await failure { _ = try await watch.next() }
                #expect(watching.code == .permissionDenied)
            }
        }

        /// etcd 3.5.30 and later deny it, older ones do not.
        @Test("A plain user's client goes on, whether or not the user may read a member's status")
        func deniedStatus() async throws {
            try await withUser { _, client in
                do throws(EtcdError) {
                    _ = try await client.status()
                } catch {
                    #expect(error.code == .permissionDenied && error.outcome == .refused, "\(error)")
                }
                try await client.put("mine/a", "1")
                #expect(try await client.get("mine/a")?.text == "1")
            }
        }

        @Test("Whether a key may be written is found out without a trace: no key, no revision, no other value")
        func mayWrite() async throws {
            try await withUser { server, client in
                try await client.put("mine/a", "1")
                let before = try await client.range(RangeRequest(.prefix("mine/")))
                #expect(try await client.mayWrite("mine/a"))
                #expect(try await client.mayWrite("mine/absent"))
                #expect(try await !client.mayWrite("other"))
                try await server.etcdctl("role", "add", "reader", user: "root:r")
                try await server.etcdctl(
                    "role", "grant-permission", "reader", "read", "--prefix=true", "seen/", user: "root:r")
                try await server.etcdctl("user", "grant-role", "u", "reader", user: "root:r")
                #expect(try await client.range(RangeRequest(.prefix("seen/"))).kvs.isEmpty)
                #expect(try await !client.mayWrite("seen/a"))
                #expect(try await client.range(RangeRequest(.prefix("mine/"))) == before)
            }
        }

        @Test func expiredTokensAreRenewedOnTheWay() async throws {
            try await withUser(["--auth-token-ttl", "1"]) { _, client in
                var watch = client.watch(prefix: "mine/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                try await client.put("mine/a", "1")
                // Twice the token's life.
                try await Task.sleep(for: .seconds(3))
                try await client.put("mine/a", "2")
                #expect(try await client.get("mine/a")?.version == 2, "the rejected attempt changed nothing")
                try await Task.sleep(for: .seconds(3))
                var late = client.watch(prefix: "mine/", from: 1).makeAsyncIterator()
                #expect(try await late.nextEvents().first?.keyValue?.text == "1")
                #expect(try await watch.nextEvents().first?.keyValue?.text == "1")
            }
        }

        @Test func aRestartedServerForgetsItsTokensAndTheWatchGoesOn() async throws {
            try await withUser { server, client in
                var watch = client.watch(prefix: "mine/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                await server.kill()
                try await server.restart()
                try await client.put("mine/a", "1")
                #expect(try await watch.nextEvents().map(\.keyValue?.text) == ["1"])
            }
        }

        @Test func aWrongPasswordIsRefusedAndNotShown() async throws {
            try await withUser(password: "hunter2") { _, client in
                let error = try await failure { try await client.put("mine/a", "1") }
                #expect(error.code == .unauthenticated && error.outcome == .refused)
                #expect(!"\(error)".contains("hunter2"))
                var watch = client.watch(prefix: "mine/").makeAsyncIterator()
                let watching = try await failure { _ = try await watch.next() }
                #expect(watching.code == .unauthenticated)
            }
        }

        @Test func noUserAtAllIsRefused() async throws {
            try await withUser { server, _ in
                try await withClient(try makeClient(server.url)) { anonymous in
                    let error = try await failure { _ = try await anonymous.get("mine/a") }
                    #expect(error.code == .unauthenticated && error.outcome == .refused)
                    var watch = anonymous.watch(prefix: "mine/").makeAsyncIterator()
                    let watching = try await failure { _ = try await watch.next() }
                    #expect(watching.code == .unauthenticated)
                }
            }
        }

        @Test func authenticationMayBeTurnedOnLater() async throws {
            try await EtcdServer.with { server in
                let client = try makeClient(server.url) {
                    $0.credentials = EtcdCredentials(username: "u", password: Self.password)
                }
                try await withClient(client) { client in
                    try await client.put("mine/a", "1")
                    try await server.enableAuthentication(
                        rootPassword: "r", user: "u", password: Self.password, prefix: "mine/")
                    try await client.put("mine/a", "2")
                }
            }
        }
    }

    @Suite struct Encrypted {
        private func withTLS(
            clientCertificates: Bool = false, _ body: (EtcdServer, EtcdCertificates) async throws -> Void
        ) async throws {
            let certificates = try await EtcdCertificates.make()
            defer { certificates.remove() }
            var options = EtcdServer.Options()
            options.certificates = certificates
            options.requiresClientCertificate = clientCertificates
            try await EtcdServer.with(options) { try await body($0, certificates) }
        }

        private func client(_ url: String, _ files: TLSFiles?) throws -> EtcdClient {
            try makeClient(url) { configuration in
                configuration.tls = files
                configuration.requestTimeout = .seconds(5)
            }
        }

        @Test func theServersCertificateIsCheckedAgainstTheAuthority() async throws {
            try await withTLS { server, certificates in
                let files = TLSFiles(certificateAuthority: certificates.authority)
                try await withClient(try client(server.url, files)) { client in
                    try await client.put("a", "1")
                    #expect(try await client.get("a")?.text == "1")
                    var watch = client.watch(key: "a", from: 1).makeAsyncIterator()
                    #expect(try await watch.nextEvents().map(\.keyValue?.text) == ["1"])
                }
                try await withClient(try client(server.url, nil)) { client in
                    let error = try await failure { try await client.put("a", "2") }
                    #expect(error.code == .tls && error.outcome == .failed)
                }
            }
        }

        @Test func aCertificateForAnotherNameIsRefused() async throws {
            try await withTLS { server, certificates in
                let files = TLSFiles(certificateAuthority: certificates.authority)
                let address = server.address
                // libcurl takes every name under localhost for this machine.
                let other = address.replacing("127.0.0.1", with: "other.localhost")
                try await withClient(try client("https://\(other)", files)) { client in
                    let error = try await failure { try await client.put("a", "2") }
                    #expect(error.code == .tls && error.outcome == .failed)
                }
                let named = address.replacing("127.0.0.1", with: "localhost")
                try await withClient(try client("https://\(named)", files)) { client in
                    try await client.put("a", "1")
                }
            }
        }

        @Test func aClientWithoutItsCertificateIsTurnedAway() async throws {
            try await withTLS(clientCertificates: true) { server, certificates in
                let full = TLSFiles(
                    certificateAuthority: certificates.authority, certificate: certificates.client,
                    key: certificates.clientKey)
                try await withClient(try client(server.url, full)) { client in
                    try await client.put("a", "1")
                    #expect(try await client.get("a")?.text == "1")
                }
                let bare = TLSFiles(certificateAuthority: certificates.authority)
                try await withClient(try client(server.url, bare)) { client in
                    let error = try await failure { _ = try await client.get("a") }
                    #expect(error.code == .tls, "\(error)")
                }
            }
        }

        @Test func certificateFilesThatAreMissingAreNamed() async throws {
            try await withTLS { server, _ in
                let files = TLSFiles(certificateAuthority: "/nowhere/ca.crt")
                try await withClient(try client(server.url, files)) { client in
                    let error = try await failure { try await client.put("a", "1") }
                    #expect(error.code == .tls && error.outcome == .failed)
                    #expect(error.reason.contains("/nowhere/ca.crt"))
                }
            }
        }

        @Test func passwordsTravelOverTLSToo() async throws {
            try await withTLS { server, certificates in
                try await server.enableAuthentication(rootPassword: "r", user: "u", password: "p", prefix: "mine/")
                let client = try makeClient(server.url) { configuration in
                    configuration.tls = TLSFiles(certificateAuthority: certificates.authority)
                    configuration.credentials = EtcdCredentials(username: "u", password: "p")
                }
                try await withClient(client) { try await $0.put("mine/a", "1") }
            }
        }

        @Test func plainHTTPToATLSPortIsNotTakenForEtcd() async throws {
            try await withTLS { server, _ in
                try await withClient(try client("http://\(server.address)", nil)) { client in
                    let error = try await failure { _ = try await client.get("a") }
                    #expect(error.outcome == .failed || error.outcome == .refused)
                    #expect([.protocolViolation, .connection].contains(error.code), "\(error)")
                }
            }
        }
    }
}
