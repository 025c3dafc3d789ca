import FoundationEssentials
import Rig
import Testing

/// A life of volumes in which all goes wrong that makes the plugin talk, and a search for secrets in all that is said.
@Suite("Secrets", .serialized)
struct SeededSecretTests {
    @Test("Proof: every setting that is called a secret is seeded with one")
    func proofAllAreSeeded() {
        #expect(SeededSecrets.known.sorted() == SeededSecrets.seeded.sorted())
    }

    @Test(
        "Proof: no secret of any setting shows in logs, answers, processes, records, metrics or files, whatever fails",
        arguments: SeededSecrets.Way.allCases)
    func proofNoSecretShows(_ way: SeededSecrets.Way) async throws {
        let certificates = try await EtcdCertificates.make()
        defer { certificates.remove() }
        var options = EtcdServer.Options()
        options.certificates = certificates
        options.requiresClientCertificate = true
        try await DisturbableRig.exclusively { rig in
            try await EtcdServer.with(options) { server in
                try await SecretScene.with(way, rig, server, certificates) { scene in
                    try await scene.play()
                    try await scene.lookAround()
                    scene.search.expectNothing()
                    scene.expectEverythingWasLookedAt()
                }
            }
        }
    }

    @Test("Proof: a setting that is refused is refused without what it holds")
    func proofRefusals() async throws {
        let scratch = try ScratchFolder("s", of: .required())
        let secret = uniqueName("s3cret")
        let pem = "-----BEGIN PRIVATE KEY-----\n\(secret)\n-----END PRIVATE KEY-----\n"
        try write("\(secret)\nsecond line\n", to: scratch.path + "/lines")
        try write(secret, to: scratch.path + "/secret")
        let refused: [[String: String]] = [
            ["RBD_CONF_KEYRING_KEY": secret], ["RBD_CONF_KEYRING_KEY_FILE": scratch.path + "/secret"],
            ["RBD_CONF_KEYRING_KEY": secret, "RBD_CONF_KEYRING_KEY_FILE": scratch.path + "/secret"],
            ["ETCD_PASSWORD": secret], ["ETCD_USERNAME": "docker", "ETCD_PASSWORD": secret + "\nmore"],
            ["ETCD_USERNAME": "docker", "ETCD_PASSWORD_FILE": scratch.path + "/lines"],
            ["ETCD_ENDPOINTS": "http://root:\(secret)@127.0.0.1:1"], ["ETCD_ENDPOINTS": "root:\(secret)@127.0.0.1"],
            ["ETCD_KEY": pem, "ETCD_CERT": pem], ["ETCD_KEY": scratch.path + "/secret"],
            ["RBD_CONF_CLIENT_KEY": secret + "\u{1}"],
        ]
        for settings in refused {
            let result = try await runTool(
                try PluginProcess.executable(),
                ["serve", "--socket", scratch.path + "/s", "--mount-root", scratch.path + "/volumes"],
                settings: settings.merging(["RBD_STATE_DIR": scratch.path + "/state"]) { $1 }.mapValues { $0 },
                within: .seconds(60))
            #expect(result.status == 78, "\(settings.keys.sorted())")
            #expect(!(result.output + result.error).contains(secret), "\(settings.keys.sorted()): \(result.error)")
        }
        try await scratch.sweep()
    }
}
