import Rig
import Testing

struct MountEntryTests {
    @Test("A line of mountinfo is read with its escapes, optional fields and both sets of options")
    func line() throws {
        let entry = try #require(
            MountEntry(
                line:
                    #"36 35 98:0 /a\040b /mnt\134x\011y rw,noatime master:1 shared:2 - ext4 /dev/loop0 ro,errors=continue"#
            ))
        #expect(entry.root == "/a b")
        #expect(entry.mountpoint == "/mnt\\x\ty")
        #expect(entry.type == "ext4")
        #expect(entry.source == "/dev/loop0")
        #expect(entry.options == ["rw", "noatime", "ro", "errors=continue"])
    }

    @Test("All mounts are seen, also when there are more than one read(2) gives")
    func manyMounts() async throws {
        let scratch = try ScratchFolder("mounts", of: .required())
        let script = "for i in $(seq 60); do mkdir $i && mount --bind $i $i || exit; done"
        try await runTool("sh", ["-c", "cd \(scratch.path) && \(script)"]).checked()
        #expect(scratch.kernelState.mounts.count == 60)
        try await scratch.sweep()
        #expect(scratch.kernelState.isEmpty)
    }

    @Test("A line without optional fields is read")
    func noOptionalFields() throws {
        let entry = try #require(MountEntry(line: "36 35 98:0 / /proc rw - proc proc rw"))
        #expect(entry.type == "proc")
        #expect(entry.mountpoint == "/proc")
    }

    @Test("What is no line of mountinfo is refused", arguments: ["", "36 35 98:0 / /proc rw", "a - b c d"])
    func noLine(text: String) {
        #expect(MountEntry(line: text) == nil)
    }
}
