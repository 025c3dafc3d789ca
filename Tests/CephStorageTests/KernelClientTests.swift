import RBDDriver
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

@Suite struct KeyringTextTests {
    private let text = """
        # of all
        [client.admin]
        \tkey = YWRtaW4=
        [ client.docker ]
          caps mon = "profile rbd"
          key=ZG9ja2Vy
        [client.docker2]
        key = "b3RoZXI="
        [client.empty]
        key =
        """

    @Test func eachUserHasAKeyOfHisOwn() {
        #expect(KeyringText.key(of: "admin", in: text)?.bytes == Array("admin".utf8))
        #expect(KeyringText.key(of: "docker", in: text)?.bytes == Array("docker".utf8))
        #expect(KeyringText.key(of: "docker2", in: text)?.bytes == Array("other".utf8))
    }

    @Test func whoHasNoKeyGetsNone() {
        #expect(KeyringText.key(of: "empty", in: text) == nil)
        #expect(KeyringText.key(of: "nobody", in: text) == nil)
        #expect(KeyringText.key(of: "admin", in: "") == nil)
    }

    @Test func aKeyIsNeverShown() {
        let key = CephKey(base64: "ZG9ja2Vy")
        var dumped = ""
        dump(key, to: &dumped)
        #expect(String(describing: key) == "Optional(<secret>)")
        #expect(!dumped.contains("100"), "its bytes are not shown either: \(dumped)")
    }
}

@Suite struct MessengerV2ModeTests {
    /// What Ceph has unless told otherwise: `crc secure` for servers, `secure crc` for monitors.
    @Test(arguments: [
        ("crc secure", "secure crc", MessengerV2Mode.preferCRC), ("crc", "secure crc", .preferCRC),
        ("", "", .preferCRC), ("secure crc", "secure crc", .preferSecure), ("secure,crc", "crc", .preferSecure),
        ("secure", "secure crc", .secure), ("crc secure", " secure ", .secure),
    ])
    func whatIsEncryptedByOtherClientsIsByTheKernel(_ client: String, _ monitors: String, _ way: MessengerV2Mode) {
        #expect(MessengerV2Mode(client: client, monitors: monitors) == way)
    }
}

extension CephTests {
    /// As the least-privilege user, who must be allowed to ask for all of it.
    @Suite("What a client in the kernel needs") struct KernelClientTests {
        @Test("The monitors' addresses and the user's key are those of the cluster")
        func found() async throws {
            try await CephFixture.with { ceph in
                let client = try await ceph.connection.kernelClient(clock: SystemClock())
                #expect(client.user == ceph.environment.cephUser)
                let hosts = try await runTool(
                    "sed", ["-n", "s/^mon.host *= *//p", ceph.environment.cephConf]
                ).checked().output
                #expect(client.monitorsV1.count == 1 && client.monitorsV2.count == 1)
                for (name, addresses) in [("v1", client.monitorsV1), ("v2", client.monitorsV2)] {
                    for address in addresses { #expect(hosts.contains("\(name):\(address)")) }
                }
                let key = try await ceph.rig.ceph("auth", "print-key", "client.\(ceph.environment.cephUser)")
                #expect(client.key != nil && client.key == CephKey(base64: key))
                #expect(client.messengerV2Mode == .preferCRC)
            }
        }

        @Test("A configuration that has connections encrypted has the kernel's encrypted too")
        func encrypted() async throws {
            try await CephFixture.with { settings, _ in
                settings.overrides["ms_client_mode"] = "secure"
            } _: { ceph in
                let client = try await ceph.connection.kernelClient(clock: SystemClock())
                #expect(client.messengerV2Mode == .secure)
            }
        }

        @Test("A key of the configuration wins over the keyring, as in librados")
        func configured() async throws {
            let environment = try RigEnvironment.required()
            let rig = CephRig(environment)
            let key = try await rig.ceph("auth", "print-key", "client.\(environment.cephUser)")
            try await CephFixture.with { settings, _ in
                settings.overrides["key"] = key
                settings.keyring = "/nonexistent"
            } _: { ceph in
                let client = try await ceph.connection.kernelClient(clock: SystemClock())
                #expect(client.key != nil && client.key == CephKey(base64: key))
            }
        }
    }
}
