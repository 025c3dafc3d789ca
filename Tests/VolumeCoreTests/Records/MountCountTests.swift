import Testing
import VolumeCore

@Suite struct MountCountTests {
    private let free = Attachment(
        volumeUID: "u1", owner: NodeIdentity(node: "a", boot: "b"), epoch: Epoch(1), state: .attached, since: "now")

    @Test func theSameIDCountsTwice() {
        let twice = free.counting("m1").counting("m1")
        #expect(twice.mountIDs == ["m1": 2])
        #expect(twice.uncounting("m1").mountIDs == ["m1": 1])
        #expect(twice.uncounting("m1").uncounting("m1").mountIDs == [:])
    }

    @Test func idsCountByThemselves() {
        let both = free.counting("m1").counting("m2")
        #expect(both.mountIDs == ["m1": 1, "m2": 1])
        #expect(both.uncounting("m2").mountIDs == ["m1": 1])
    }

    @Test(arguments: ["m2", "", "M1"])
    func anUnknownIDChangesNothing(_ id: String) {
        let one = free.counting("m1")
        #expect(one.uncounting(id) == one)
        #expect(free.uncounting(id) == free)
    }

    @Test func aCountNeverGoesBelowZero() {
        #expect(free.counting("m1").uncounting("m1").uncounting("m1") == free)
        var broken = free
        broken.mountIDs = ["m1": 0, "m2": -3]
        #expect(broken.uncounting("m1").uncounting("m2").mountIDs == [:])
    }

    @Test func nothingElseChanges() {
        var counted = free.counting("m1")
        counted.mountIDs = [:]
        #expect(counted == free)
    }
}
