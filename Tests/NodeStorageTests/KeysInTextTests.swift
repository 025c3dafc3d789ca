import PortContracts
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct KeysInTextTests {
    /// Nobody's. Of 32 bytes, and of 16.
    private static let new = "AgAA8VNlBQAAACAAZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="
    private static let old = "AQAA8VNlBQAAABAAZGVmZ2hpamtsbW5vcHFycw=="

    @Test(
        "No key is left of what a tool has said",
        arguments: [new, old, String(new.prefix(30)), "AwA" + new.dropFirst(3)])
    func removed(key: String) {
        for text in [
            "error setting modifier for [client.docker] type=key val=\(key): Malformed input [buffer:3]",
            "failed to decode key '\(key)'", "\tkey = \(key)\n", key, "a\(key.prefix(0)) \(key)\n\(key) b",
        ] {
            let shown = KeysInText.removed(from: text)
            #expect(shown.contains("<secret>"))
            #expect(!shown.contains(key.prefix(12)), "\(shown)")
        }
        for result in [CommandResult(.exited(1), errors: key), CommandResult(.exited(1), output: key)] {
            let reason = result.reason(of: .rbd)
            #expect(reason.hasPrefix("rbd ended with status 1: <secret>") && !reason.contains(key.prefix(12)))
        }
    }

    @Test(
        "Other words stay as they are",
        arguments: [
            "", "mkfs.ext4: No such file or directory", "/usr/lib/x86_64-linux-gnu/qemu/block-rbd.so",
            "AgainAndAgainAndAgainAndAgain", "rbd: map failed: (110) Connection timed out", "naïve ü €", "key = ",
        ])
    func untouched(text: String) { #expect(KeysInText.removed(from: text) == text) }

    /// Ceph 16 and 18 print a key that they are too old for.
    @Test("The key is in no error, whatever the real rbd says of a key that it cannot use")
    func realTool() async throws {
        try await LinuxBench.run("keys") { bench in
            let keyring = bench.scratch.path + "/keyring"
            // Of a type that no release knows.
            let key = "/w" + Self.new.dropFirst(2)
            for key in [Self.new, key] {
                let text = "[client.docker]\n\tkey = \(key)\n"
                try await bench.tool("sh", "-c", "printf %s \"$1\" >\"$2\"", "sh", text, keyring)
                let files = CephClientFiles(confPath: bench.environment.cephConf, user: "docker", keyringPath: keyring)
                let error = await errorOf {
                    try await bench.runner.succeed(Command(.rbd, files.arguments + ["ls"]), to: "list images")
                }
                #expect(error != nil)
                #expect(error?.description.contains(key.dropFirst(4).prefix(12)) == false, "\(error as Any)")
            }
        }
    }
}
