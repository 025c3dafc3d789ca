import PluginConfiguration
import Testing

@Suite struct EtcdSettingsTests {
    private let host = FakeHost.with([
        "/ca": FakeHost.pem, "/cert": FakeHost.pem, "/key": FakeHost.pem, "/der": "0\u{82}",
    ])

    @Test(arguments: [
        ("etcd1", ["http://etcd1:2379"]),
        ("etcd1:4001", ["http://etcd1:4001"]),
        ("10.0.0.1:2379, 10.0.0.2:2379,", ["http://10.0.0.1:2379", "http://10.0.0.2:2379"]),
        ("http://etcd1:2379/,https://etcd2", ["http://etcd1:2379", "https://etcd2"]),
        ("HTTPS://etcd2:443", ["https://etcd2:443"]),
        ("[::1]:2379,[fe80::1]", ["http://[::1]:2379", "http://[fe80::1]:2379"]),
        ("etcd1,etcd1:2379,http://etcd1:2379", ["http://etcd1:2379"]),
    ])
    func `endpoints come with or without scheme and port`(text: String, urls: [String]) throws {
        #expect(try host.load(["ETCD_ENDPOINTS": text]).etcd.endpoints == urls)
    }

    @Test func `without a scheme TLS settings mean https`() throws {
        let settings = try host.load(["ETCD_ENDPOINTS": "etcd1,https://etcd2:2379", "ETCD_CA": "/ca"])
        #expect(settings.etcd.endpoints == ["https://etcd1:2379", "https://etcd2:2379"])
        #expect(settings.etcd.caFile == "/ca")
    }

    @Test func `plain http beside TLS settings is refused`() {
        #expect(
            host.complaints(["ETCD_ENDPOINTS": "http://etcd1:2379", "ETCD_CA": "/ca"]) == [
                "ETCD_ENDPOINTS names http://etcd1:2379, but ETCD_CA is set: without https it would have no effect."
            ])
    }

    @Test func `a client certificate has two halves`() throws {
        let settings = try host.load(["ETCD_CERT": "/cert", "ETCD_KEY": "/key"])
        #expect(settings.etcd.clientCertificate?.certificateFile == "/cert")
        #expect(settings.etcd.clientCertificate?.keyFile == "/key")
        #expect(settings.etcd.endpoints == ["https://127.0.0.1:2379"])
    }

    @Test(arguments: [
        (["ETCD_CERT": "/cert"], "ETCD_CERT is set without ETCD_KEY"),
        (["ETCD_KEY": "/key"], "ETCD_KEY is set without ETCD_CERT"),
        (["ETCD_USERNAME": "u"], "ETCD_USERNAME is set without a password"),
        (["ETCD_PASSWORD": "p"], "A password for etcd is set without ETCD_USERNAME"),
        (["ETCD_CA": "/none"], "ETCD_CA is \"/none\": that file cannot be read: no such file"),
        (["ETCD_CA": "/der"], "ETCD_CA is \"/der\": that file is not in PEM form"),
        (["ETCD_CA": "-----BEGIN CERTIFICATE-----\nMIIB"], "ETCD_CA must be the path of a PEM file"),
    ])
    func `halves and wrong files are refused`(environment: [String: String], said: String) throws {
        let complaints = host.complaints(environment)
        #expect(complaints.count == 1)
        #expect(complaints.first?.hasPrefix(said) == true)
    }

    @Test func `a private key that was pasted instead of its path is not shown`() {
        let complaints = host.complaints(["ETCD_CERT": "/cert", "ETCD_KEY": "-----BEGIN PRIVATE KEY-----\nhunter2"])
        #expect(complaints == ["ETCD_KEY must be the path of a PEM file, not its content."])
    }

    @Test func `user and password arrive`() throws {
        let credentials = try host.load(["ETCD_USERNAME": "docker", "ETCD_PASSWORD": "p"]).etcd.credentials
        #expect(credentials?.username == "docker")
        #expect(credentials?.password == Secret("p"))
        #expect(credentials?.passwordFile == nil)
    }

    @Test("E5: the file that the password came from is known, and can be read again by the same rules")
    func e5PasswordFileIsKnown() throws {
        let host = FakeHost.with(["/password": "p\n"])
        let settings = try host.load(["ETCD_USERNAME": "docker", "ETCD_PASSWORD_FILE": " /password "])
        #expect(settings.etcd.credentials?.password == Secret("p"))
        let file = try #require(settings.etcd.credentials?.passwordFile)
        #expect(file == "/password")

        let later = try SecretFile.secret(at: file) { _ in "new\n" }
        #expect(later == Secret("new"))
        for wrong in ["", "\n", "hunter2\nhunter3\n"] {
            let error = #expect(throws: SecretFile.Unusable.self) { try SecretFile.secret(at: file) { _ in wrong } }
            #expect(error?.description.contains("/password") == true)
            #expect(error?.description.contains("hunter") == false)
        }
    }

    @Test(
        "E4: a user whose password travels unencrypted draws one warning, which names user and endpoints",
        arguments: [
            (["ETCD_ENDPOINTS": "etcd1,etcd2"], ["http://etcd1:2379, http://etcd2:2379"]),
            (["ETCD_ENDPOINTS": "https://etcd1,http://etcd2:2379"], ["http://etcd2:2379"]),
            (["ETCD_ENDPOINTS": "https://etcd1,https://etcd2"], []),
            (["ETCD_ENDPOINTS": "etcd1", "ETCD_CA": "/ca"], []),
        ])
    func e4CredentialsInClearAreWarnedOf(environment: [String: String], plain: [String]) throws {
        let user = ["ETCD_USERNAME": "docker", "ETCD_PASSWORD": "hunter2"]
        let settings = try host.load(environment.merging(user) { $1 })
        #expect(settings.etcd.warnings.count == plain.count)
        #expect(settings.warnings == settings.etcd.warnings, "they are logged at the start")
        for (warning, endpoints) in zip(settings.warnings, plain) {
            #expect(warning.contains(" \(endpoints):") && warning.contains("\"docker\""), "\(warning)")
            #expect(warning.contains("ETCD_CA") && !warning.contains("hunter2"), "\(warning)")
        }
        #expect(try host.load(environment).warnings == [], "nothing secret is sent without a user")
    }
}
