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
    }
}
