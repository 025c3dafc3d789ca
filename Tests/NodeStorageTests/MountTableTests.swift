import Testing

@testable import MountInfo
@testable import NodeStorage

@Suite struct MountTableTests {
    private let table = MountTable(
        parsing: """
            27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
            36 27 98:0 /mnt1 /mnt2 ro,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue
            40 27 252:1 / /mnt/volumes/a\\040b\\134c\\011\\012d rw,nosuid shared:5 - xfs /dev/rbd0 ro,seclabel
            50 27 252:2 / /mnt/volumes/x rw - ext4 /dev/rbd1 rw
            51 50 252:3 / /mnt/volumes/x rw - ext4 /dev/rbd2 rw
            60 27 252:2 /sub /elsewhere rw - ext4 /dev/rbd1 rw
            this line is not understood
            1 2 3 - 4
            61 27 0:99 / /odd rw - fuse none
            """)

    @Test func optionalFieldsAreSkipped() {
        let entry = table.entries.first { $0.id == 36 }
        #expect(
            entry
                == MountTable.Entry(
                    id: 36, parent: 27, deviceNumber: "98:0", root: "/mnt1", mountpoint: "/mnt2",
                    options: ["ro", "noatime"], filesystem: "ext3", source: "/dev/root",
                    superOptions: ["rw", "errors=continue"]))
    }

    @Test func escapesAreUndone() {
        let entry = table.topmost(at: "/mnt/volumes/a b\\c\t\nd")
        #expect(entry?.source == "/dev/rbd0")
    }

    @Test func readOnlyByTheMountOrByTheFilesystem() {
        #expect(table.topmost(at: "/mnt2")?.isReadOnly == true)
        #expect(table.topmost(at: "/mnt/volumes/a b\\c\t\nd")?.isReadOnly == true)
        #expect(table.topmost(at: "/mnt/volumes/x")?.isReadOnly == false)
    }

    @Test func theTopmostOfAStackCounts() {
        #expect(table.topmost(at: "/mnt/volumes/x")?.source == "/dev/rbd2")
        #expect(table.topmost(at: "/mnt/volumes/y") == nil)
        #expect(table.topmost(at: "/mnt/volumes") == nil)
    }

    @Test func theOrderOfTheLinesDoesNotMatter() {
        let reversed = MountTable(
            parsing: """
                51 50 252:3 / /x rw - ext4 /dev/rbd2 rw
                50 27 252:2 / /x rw - ext4 /dev/rbd1 rw
                """)
        #expect(reversed.topmost(at: "/x")?.source == "/dev/rbd2")
    }

    @Test func mountsAreFoundByDevice() {
        #expect(table.mounts(ofDevice: "252:2").map(\.mountpoint) == ["/mnt/volumes/x", "/elsewhere"])
    }

    @Test func brokenLinesAreLeftOut() {
        #expect(table.entries.map(\.id) == [27, 36, 40, 50, 51, 60])
    }

    @Test(arguments: [("a\\040b", "a b"), ("\\", "\\"), ("\\04", "\\04"), ("\\999", "\\999"), ("\\303\\244", "ä")])
    func unescape(_ field: String, _ plain: String) {
        #expect(MountInfoLine.unescape(Array(field.utf8)[...]) == plain)
    }

    @Test func theRealTableHasTheRoot() throws {
        #expect(try MountTable.read().topmost(at: "/") != nil)
    }
}

@Suite struct ProcessTableTests {
    private func line(name: String, state: String = "S", started: String = "4242") -> String {
        let numbers = (4...21).map(String.init).joined(separator: " ")
        return "17 (\(name)) \(state) \(numbers) \(started) 23 24"
    }

    @Test(arguments: ["qemu", "a b", "x) S 1 2 (y", ")))"])
    func theStartTimeIsFoundBehindAnyName(_ name: String) {
        #expect(ProcessTable.startTime(in: line(name: name)) == 4242)
    }

    @Test(arguments: ["Z", "X"])
    func aZombieDoesNotRun(_ state: String) {
        #expect(ProcessTable.startTime(in: line(name: "qemu", state: state)) == nil)
    }

    @Test func nonsenseIsNoProcess() {
        #expect(ProcessTable.startTime(in: "") == nil)
        #expect(ProcessTable.startTime(in: "17 (x) S 1 2") == nil)
    }

    @Test func thisProcessRunsAndAnotherStartTimeDoesNot() throws {
        let me = try #require(ProcessTable.identity(of: ProcessInfoForTests.pid))
        #expect(ProcessTable.isRunning(me))
        #expect(!ProcessTable.isRunning(ProcessIdentity(pid: me.pid, started: me.started + 1)))
    }
}
