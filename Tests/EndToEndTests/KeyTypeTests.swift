import Foundation
import Rig
import Testing

/// A key of a type that the installed librados may be too old for.
@Suite("Types of keys")
struct KeyTypeTests {
    /// Of the type aes256k, and nobody's.
    private static let new = "AgAA8VNlBQAAACAAZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="

    @Test("The first answer tells what to do about a key that cannot be used, and the key itself is nowhere")
    func unusableKey() async throws {
        let rig = try RigEnvironment.required()
        // A rig of a newer Ceph may have made one that opens it.
        let own = try text(of: rig.cephKeyFile).filter { !$0.isWhitespace }
        let key = own.hasPrefix("Ag") ? own : Self.new
        try await Stage.with(settings: ["RBD_CONF_KEYRING_KEY": key]) { stage in
            let answer = try await stage.client.create(uniqueName("key"), options: stage.options())
            if !answer.succeeded {
                // A librados that knows such keys leaves it to the monitors to refuse nobody's.
                let isTooOld = answer.error.contains("too old")
                let words = isTooOld ? ["aes256k", "client.docker", "--key-type aes"] : ["client.docker", "ceph auth"]
                for word in words { #expect(answer.error.contains(word), "\(answer.error)") }
            }
            #expect(answer.succeeded || key == Self.new || answer.error.contains("too old"), "\(answer.error)")
            #expect(!answer.error.contains(key.prefix(24)) && !stage.plugin.log.contains(key.prefix(24)))
        }
    }
}
