import Testing
import VolumeCore

@Suite struct IdentityTests {
    @Test func epochsGrowByOneAndCompare() {
        #expect(Epoch.none.next == Epoch(1))
        #expect(Epoch(7) < Epoch(8))
        #expect(!(Epoch(8) < Epoch(8)))
        #expect("\(Epoch(8))" == "8")
    }

    @Test func anEpochIsANumberInARecord() throws {
        #expect(try Golden.text(Epoch(9_007_199_254_740_993)) == "9007199254740993")
        #expect(try Golden.decode(Epoch.self, "9007199254740993") == Epoch(9_007_199_254_740_993))
    }

    /// `next` of it would end the program.
    @Test(arguments: ["18446744073709551615", "18446744073709551616", "-1", "1.5", "\"1\"", "null"])
    func anEpochThatCannotBeIsNotDecoded(_ text: String) {
        #expect(throws: (any Error).self) { try Golden.decode(Epoch.self, text) }
    }

    @Test func anImageIsWrittenAsTheRBDToolDoes() {
        #expect("\(ImageReference(pool: "rbd", name: "db"))" == "rbd/db")
        #expect("\(ImageReference(pool: "rbd", namespace: "team", name: "db"))" == "rbd/team/db")
        let renamed = ImageReference(pool: "rbd", namespace: "team", name: "db").named("db2")
        #expect(renamed == ImageReference(pool: "rbd", namespace: "team", name: "db2"))
    }

    @Test func anotherBootIsAnotherOwner() {
        #expect(NodeIdentity(node: "a", boot: "1") != NodeIdentity(node: "a", boot: "2"))
    }

    @Test(arguments: FilesystemType.allCases)
    func everyFilesystemHasAMinimumThatItFitsIn(_ type: FilesystemType) {
        #expect(type.facts.minimumSize >= .mebibytes(8))
        #expect(type.facts.minimumSize <= VolumeDefaults().size)
    }
}
