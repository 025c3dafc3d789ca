import Foundation
import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

extension CephTests {
    @Suite("Keys") struct Keys {
        /// Of the type aes256k, and nobody's.
        private static let new = "AgAA8VNlBQAAACAAZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="

        /// A librados that knows such keys leaves it to the monitors to refuse this one.
        @Test("A key that librados is too old for is told with its type, and with what can be done")
        func tooNewKey() async throws {
            try await CephFixture.with { settings, _ in
                settings.overrides["key"] = Self.new
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(!error.description.contains(Self.new.prefix(12)))
                guard !KeyAcceptance.accepts(.aes256k) else {
                    #expect(error.isDenied, "\(error)")
                    return
                }
                #expect(error.code == EOPNOTSUPP && error.outcome == .refused)
                for words in ["aes256k", "too old", "--key-type aes", "auth_allowed_ciphers"] {
                    #expect(error.description.contains(words), "\(error)")
                }
            }
        }

        @Test("Every librados knows the oldest type, and decides itself on types that nobody here knows")
        func acceptance() {
            #expect(KeyAcceptance.accepts(.aes))
            #expect(KeyAcceptance.accepts(.other(999)))
        }

        @Test("A new key makes a new connection as soon as it opens something; what is open stays open")
        func rotation() async throws {
            let rig = CephRig(try RigEnvironment.required())
            let user = uniqueName("rotated")
            let keyring = NSTemporaryDirectory() + user
            defer { unlink(keyring) }
            func write(_ key: String) throws {
                let text =
                    "[client.\(user)]\n\tkey = \(key)\n\tcaps mon = \"profile rbd\"\n\tcaps osd = \"profile rbd\"\n"
                try text.write(toFile: keyring, atomically: true, encoding: .utf8)
            }
            func newKey() async throws -> String {
                try await runTool("ceph-authtool", ["--gen-print-key"]).checked().output
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }
            try write(try await newKey())
            try await rig.ceph("auth", "import", "-i", keyring)
            try await CephFixture.with { settings, _ in
                (settings.user, settings.keyring) = (user, keyring)
            } _: { ceph in
                try await ceph.withImage { name in
                    let image = try await ceph.images.open(.name(name), .readWrite)
                    let first = try await ceph.connection.identity().clientID
                    #expect(try await !ceph.connection.takeUpNewKey(), "it has that key")

                    try write(try await newKey())
                    let early = try await CephFixture.error { _ = try await ceph.connection.takeUpNewKey() }
                    #expect(early.isDenied, "the cluster does not know it yet")
                    #expect(try await ceph.connection.identity().clientID == first)

                    try await rig.ceph("auth", "import", "-i", keyring)
                    #expect(try await ceph.connection.takeUpNewKey())
                    #expect(try await ceph.connection.identity().clientID != first)
                    #expect(try await !ceph.connection.takeUpNewKey(), "it has that key by now")
                    #expect(try await image.stat().name == name && image.clientID == first)
                    try await image.close()
                }
            }
            try await rig.ceph("auth", "rm", "client.\(user)")
        }
    }
}
