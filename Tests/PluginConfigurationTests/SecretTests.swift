import PluginConfiguration
import Testing

@Suite struct SecretTests {
    static let pairs = [
        (value: "RBD_CONF_KEYRING_KEY", file: "RBD_CONF_KEYRING_KEY_FILE", secret: SampleKey.valid),
        (value: "ETCD_PASSWORD", file: "ETCD_PASSWORD_FILE", secret: " pass word# "),
    ]

    private func environment(_ changes: [String: String]) -> [String: String] {
        let isEtcd = changes.keys.contains { $0.hasPrefix("ETCD_") }
        return (isEtcd ? ["ETCD_USERNAME": "docker"] : [:]).merging(changes) { $1 }
    }

    private func secret(_ settings: Settings, _ name: String) -> String? {
        name.hasPrefix("ETCD") ? settings.etcd.credentials?.password.reveal() : settings.ceph.key?.reveal()
    }

    @Test(arguments: pairs)
    func `a secret can be given itself`(value: String, file: String, text: String) throws {
        #expect(try secret(FakeHost().load(environment([value: text])), value) == text)
    }

    @Test(arguments: pairs, ["", "\n", "\r\n"])
    func `a secret can come from a file, whose last line break does not count`(
        pair: (value: String, file: String, secret: String), ending: String
    ) throws {
        let host = FakeHost.with(["/run/s": pair.secret + ending])
        #expect(try secret(host.load(environment([pair.file: "/run/s"])), pair.value) == pair.secret)
    }

    @Test(arguments: pairs)
    func `a secret and its file together are refused`(value: String, file: String, text: String) {
        let host = FakeHost.with(["/run/s": text])
        #expect(
            host.complaints(environment([value: text, file: "/run/s"]))
                == ["\(value) and \(file) are both set: give one of them."])
    }

    @Test(arguments: pairs)
    func `a file that cannot be read is named with the reason`(value: String, file: String, text: String) {
        #expect(
            FakeHost().complaints(environment([file: "/run/none"]))
                == ["\(file) is \"/run/none\": that file cannot be read: no such file."])
    }

    @Test(arguments: pairs, ["", "\n", "two\nlines\n"])
    func `a file that is empty or has more lines is refused`(
        pair: (value: String, file: String, secret: String), content: String
    ) throws {
        let host = FakeHost.with(["/run/s": content])
        let complaints = host.complaints(environment([pair.file: "/run/s"]))
        #expect(complaints.count == 1)
        #expect(complaints.first?.hasPrefix("\(pair.file) cannot be used (its value is not shown): ") == true)
    }

    @Test(arguments: [SampleKey.truncated, "hunter2hunter2", "[client.admin] key = x", SampleKey.valid + " "])
    func `what is no Ceph key is refused without being shown`(wrong: String) throws {
        let complaint = try #require(FakeHost().complaints(["RBD_CONF_KEYRING_KEY": wrong]).first, "accepted")
        #expect(complaint.contains("RBD_CONF_KEYRING_KEY"))
        #expect(complaint.contains("ceph auth get-key"))
        #expect(!complaint.contains(wrong))
    }

    @Test func `a key among the lines of ceph.conf is refused without being shown`() throws {
        let complaint = try #require(FakeHost().complaints(["RBD_CONF_CLIENT_KEY": "hunter2\u{1}"]).first, "accepted")
        #expect(complaint.contains("RBD_CONF_CLIENT_KEY") && !complaint.contains("hunter2"))
        let shown = try #require(FakeHost().complaints(["RBD_CONF_CLIENT_LOG_FILE": "/x\u{1}"]).first, "accepted")
        #expect(shown.contains("/x"))
    }

    @Test func `a password in an endpoint is refused without being shown`() {
        let complaints = FakeHost().complaints(["ETCD_ENDPOINTS": "http://root:hunter2@etcd1:2379"])
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains("ETCD_PASSWORD") == true)
        #expect(complaints.first?.contains("hunter2") == false)
    }

    @Test func `no way of printing settings shows a secret`() throws {
        let settings = try FakeHost().load([
            "RBD_CONF_KEYRING_KEY": SampleKey.valid, "ETCD_USERNAME": "docker", "ETCD_PASSWORD": "hunter2",
        ])
        var dumped = ""
        dump(settings, to: &dumped)
        let keyring = KeyringRenderer.render(settings.ceph)
        for text in ["\(settings)", String(reflecting: settings), String(describing: keyring), dumped] {
            #expect(!text.contains(SampleKey.valid))
            #expect(!text.contains("hunter2"))
        }
        #expect(dumped.contains("<secret>"))
    }
}
