import Testing
import VolumeCore

@Suite struct VolumeNameTests {
    @Test(arguments: [
        "a", "0", "db", "DB", "my_volume", "a.b", "a-b", "a..b", "9lives", "a-", "a.", "a_", "rbd-plugin.creating",
        String(repeating: "x", count: 200), "6f1ed002ab5595859014ebf0951522d9f1b1e9c7f6b5f9b1f3f6a6f1c5a7b8c9",
    ])
    func goodNamesAreTakenAsTheyAre(_ text: String) throws {
        let name = try VolumeName(text)
        #expect(name.text == text)
        #expect(name.description == text)
    }

    @Test(arguments: [
        ("", "it is empty"),
        (".", "it begins with '.'"),
        ("..", "it begins with '.'"),
        ("../victim", "it contains '/'"),
        ("a/b", "it contains '/'"),
        ("/", "it contains '/'"),
        ("a\\b", "it contains '\\'"),
        ("a b", "it contains ' '"),
        (" ", "it contains ' '"),
        ("a\u{0}b", "it contains 'U+0000'"),
        ("db\n", "it contains '\\n'"),
        ("a\tb", "it contains '\\t'"),
        ("-rf", "it begins with '-'"),
        ("--help", "it begins with '-'"),
        ("_a", "it begins with '_'"),
        (".hidden", "it begins with '.'"),
        ("höhle", "it contains 'ö'"),
        ("e\u{301}", "it contains 'U+0301'"),
        ("💾", "it contains '💾'"),
        ("a\u{202E}b", "it contains 'U+202E'"),
        ("a:b", "it contains ':'"),
        ("a@snap", "it contains '@'"),
        ("a,b", "it contains ','"),
        ("a=b", "it contains '='"),
        ("a%2fb", "it contains '%'"),
        ("$(reboot)", "it contains '$'"),
        ("a;b", "it contains ';'"),
        ("a'b", "it contains '''"),
        (String(repeating: "x", count: 201), "it is 201 bytes long"),
        (String(repeating: "y", count: 5000), "it is 5000 bytes long"),
        (String(repeating: "../", count: 3000), "it is 9000 bytes long"),
        ("rbd-plugin.creating.u.t", "names that begin with 'rbd-plugin.creating.' are reserved for unfinished images"),
    ])
    func badNamesAreRefusedWithWhatIsWrong(_ text: String, _ fault: String) {
        #expect {
            _ = try VolumeName(text)
        } throws: { error in
            let error = error as? VolumeError
            return error?.code == .invalidName && error?.outcome == .refused && error?.why == fault
                && error?.remedy.contains("letters, digits") == true
        }
    }

    @Test func theErrorShowsALongNameInOneShortLine() {
        #expect {
            _ = try VolumeName("a\n\u{1B}[31m" + String(repeating: "x", count: 5000))
        } throws: { error in
            let text = "\(error)"
            return text.utf8.count < 300 && !text.contains("\n") && !text.contains("\u{1B}") && text.contains("…")
        }
    }

    @Test func everyByteIsEitherAllowedOrNot() {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-".unicodeScalars)
        for byte in UInt8.min...UInt8.max {
            let scalar = Unicode.Scalar(byte)
            let isTaken = (try? VolumeName("a\(Character(scalar))b")) != nil
            #expect(isTaken == allowed.contains(scalar), "byte \(byte)")
        }
    }

    @Test("A name with a policy before a slash is one step of a path everywhere but in Docker")
    func namesWithAPolicy() throws {
        let name = try VolumeName(given: "gold/cache.1")
        #expect(name.text == "gold.cache.1" && "\(name)" == "gold.cache.1")
        #expect(name.given == "gold/cache.1" && name.policy?.text == "gold")
        let plain = try VolumeName(given: "gold.cache.1")
        #expect(plain.given == "gold.cache.1" && plain.policy == nil)
        #expect(plain == name && Set([plain, name]).count == 1)
        #expect(try VolumeName(given: "db") == VolumeName("db"))
    }

    @Test(
        "Any other name with a slash is refused, and so is what would be reserved or too long",
        arguments: [
            "/", "a/", "/a", "a/b/c", "../a", "a/..", "a/.b", "a.b/c", "-a/b", "a//b", "a/\u{338}b",
            "rbd-plugin/creating.u.t",
            "a/" + String(repeating: "x", count: 199),
        ])
    func otherSlashes(_ text: String) {
        #expect(throws: VolumeError.self) { try VolumeName(given: text) }
        #expect(throws: VolumeError.self) { try VolumeName(text) }
    }

    @Test func namesAreSortedAsText() throws {
        let names = try ["b", "B", "a", "a.1", "a-1", "10", "9"].map { try VolumeName($0) }
        #expect(names.sorted().map(\.text) == ["10", "9", "B", "a", "a-1", "a.1", "b"])
    }

    @Test func aBadNameInARecordIsNotDecoded() throws {
        #expect(try Golden.decode(VolumeName.self, "\"db\"") == VolumeName("db"))
        #expect(throws: (any Error).self) { try Golden.decode(VolumeName.self, "\"../victim\"") }
        #expect(try Golden.text(VolumeName("db")) == "\"db\"")
    }
}
