import EtcdClient
import FoundationEssentials
import Glibc
import Rig
import Testing

extension RealEtcdTests {
    /// What vouches for a connection is exchanged while the client runs.
    @Suite struct Rotating {
        private func client(_ url: String, _ tls: TLSFiles) throws -> EtcdClient {
            try makeClient(url) { configuration in
                quickWatch(&configuration)
                configuration.tls = tls
            }
        }

        @Test("E5: trust that a new CA file withdraws ends for new calls and for running watches, and comes back")
        func e5WithdrawnTrustEnds() async throws {
            let (own, other) = (try await EtcdCertificates.make(), try await EtcdCertificates.make())
            let files = try ChangingFiles()
            defer {
                own.remove()
                other.remove()
                files.remove()
            }
            var options = EtcdServer.Options()
            options.certificates = own
            try await EtcdServer.with(options) { server in
                try files.trust(own)
                let tls = TLSFiles(certificateAuthority: files.authority)
                try await withClient(try client(server.url, tls)) { client in
                    try await client.put("a", "1")
                    var watch = client.watch(key: "a").makeAsyncIterator()
                    try await watch.waitUntilConnected()

                    try files.trust(other)
                    try await eventually("a call to fail for want of trust") {
                        do throws(EtcdError) {
                            try await client.put("a", "2")
                            return false
                        } catch {
                            return error.code == .tls && error.outcome == .failed
                        }
                    }
                    try await watch.waitUntilDisconnected()

                    try files.trust(own)
                    try await eventually("calls to be made again") {
                        (try? await client.put("a", "3")) != nil
                    }
                    try await watch.waitUntilConnected()
                    try await client.put("a", "4")
                    #expect(try await watch.nextEvents().last?.keyValue?.modRevision ?? 0 > 0)
                }
            }
        }

        @Test("E5: the CA, the server's and the client's certificate are exchanged under load, and no call fails")
        func e5CertificatesAreExchangedUnderLoad() async throws {
            let (old, new) = (try await EtcdCertificates.make(), try await EtcdCertificates.make())
            let files = try ChangingFiles()
            defer {
                old.remove()
                new.remove()
                files.remove()
            }
            // etcd reads its certificate and key for each handshake: both change at once behind a link.
            let link = EtcdCertificates(folder: files.folder + "/server")
            #expect(symlink(old.folder, link.folder) == 0)
            let clients = files.folder + "/clients.pem"
            try files.put(try files.text(of: old.authority) + files.text(of: new.authority), at: clients)
            var options = EtcdServer.Options(flags: ["--client-cert-auth", "--trusted-ca-file", clients])
            options.certificates = link
            try files.trust(old)
            try files.show(old)
            try await EtcdServer.with(options) { server in
                try await withClient(try client(server.url, files.tls)) { client in
                    try await Load.with(client, below: "load/") { load in
                        try await load.takesUp("both authorities") { try files.trust(old, new) }
                        #expect(symlink(new.folder, link.folder + ".new") == 0)
                        #expect(rename(link.folder + ".new", link.folder) == 0)
                        try await load.takesUp("the new client certificate") { try files.show(new) }
                        try await load.takesUp("the new authority alone") { try files.trust(new) }
                        #expect(load.failures == [])
                    }
                    // A server that knows the new authority alone turns away whoever shows the old certificate.
                    try files.put(try files.text(of: new.authority), at: clients)
                    await server.kill()
                    try await server.restart()
                    try await eventually("a call with the new certificate") {
                        (try? await client.put("load/a", "last")) != nil
                    }
                }
            }
        }

        @Test("E5: a key that does not belong to its certificate, and a CA file of rubbish, break nothing under load")
        func e5UnusableFilesBreakNothing() async throws {
            let (own, other) = (try await EtcdCertificates.make(), try await EtcdCertificates.make())
            let files = try ChangingFiles()
            defer {
                own.remove()
                other.remove()
                files.remove()
            }
            var options = EtcdServer.Options()
            options.certificates = own
            options.requiresClientCertificate = true
            try files.trust(own)
            try files.show(own)
            let rubbish = "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"
            try await EtcdServer.with(options) { server in
                try await withClient(try client(server.url, files.tls)) { client in
                    try await Load.with(client, below: "load/") { load in
                        try await load.takesUp("half a pair") {
                            try files.put(try files.text(of: other.client), at: files.certificate)
                        }
                        try await load.takesUp("rubbish") { try files.put(rubbish, at: files.authority) }
                        #expect(load.failures == [])
                    }
                }
            }
        }

        private func withPasswordFile(
            _ body: (EtcdServer, EtcdClient, ChangingFiles) async throws -> Void
        ) async throws {
            let files = try ChangingFiles()
            defer { files.remove() }
            try files.put("first", at: files.password)
            try await EtcdServer.with { server in
                try await server.enableAuthentication(
                    rootPassword: "r", user: "u", password: "first", prefix: "mine/")
                let client = try makeClient(server.url) { configuration in
                    quickWatch(&configuration)
                    configuration.credentials = EtcdCredentials(username: "u", password: "first") {
                        try files.text(of: files.password)
                    }
                }
                try await withClient(client) { try await body(server, $0, files) }
            }
        }

        @Test("E5: a password is changed in its file and in etcd under load, with the tokens, and no call fails")
        func e5PasswordIsChangedUnderLoad() async throws {
            try await withPasswordFile { server, client, files in
                try await Load.with(client, below: "mine/") { load in
                    for password in ["second", "third"] {
                        try files.put(password, at: files.password)
                        try await load.goesOn()
                        // From here on no token of the user is valid, nor is the former password.
                        try await server.changePassword(of: "u", to: password, rootPassword: "r")
                        try await load.goesOn()
                    }
                    #expect(load.failures == [])
                }
                var late = client.watch(prefix: "mine/").makeAsyncIterator()
                try await late.waitUntilConnected()
            }
        }

        @Test("E5: between the change in the file and the one in etcd, a token that ran out is renewed all the same")
        func e5FileIsAheadOfEtcd() async throws {
            try await withPasswordFile { server, client, files in
                try await client.put("mine/a", "1")
                for unusable in ["second", ""] {
                    try files.put(unusable, at: files.password)
                    // It forgets its tokens by that.
                    await server.kill()
                    try await server.restart()
                    try await client.put("mine/a", "2")
                }
            }
        }

        @Test("E5: a password that was wrong at the start is taken up from its file once it is right")
        func e5WrongPasswordIsPutRight() async throws {
            try await withPasswordFile { server, client, files in
                try await server.changePassword(of: "u", to: "right", rootPassword: "r")
                let error = try await failure { try await client.put("mine/a", "1") }
                #expect(error.code == .unauthenticated && error.outcome == .refused)
                try files.put("right", at: files.password)
                try await client.put("mine/a", "1")
            }
        }
    }
}

extension Load {
    /// The watch is connected anew when the client takes up changed files.
    fileprivate func takesUp(_ what: String, _ change: () throws -> Void) async throws {
        let before = connected
        try change()
        try await eventually("the client to take up \(what); so far \(failures)") { connected > before }
        try await goesOn()
    }
}

extension EtcdWatch.Iterator {
    fileprivate mutating func waitUntilDisconnected() async throws {
        while let element = try await next() {
            if case .disconnected = element { return }
        }
        throw UnexpectedEnd()
    }
}
