import DiffStream
import Testing

@Suite struct SHA256Tests {
    private static func digest(_ bytes: [UInt8], inPiecesOf size: Int) -> String {
        var hash = SHA256()
        for start in stride(from: 0, to: bytes.count, by: size) {
            hash.update([UInt8](bytes[start..<min(start + size, bytes.count)]))
        }
        return hash.hexadecimal
    }

    @Test(
        "the examples of the standard come out, however they are cut",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
        ])
    func standard(_ text: String, _ expected: String) {
        for size in [1, 7, 55, 56, 63, 64, 65, 200] {
            #expect(Self.digest([UInt8](text.utf8), inPiecesOf: size) == expected, "in pieces of \(size)")
        }
    }

    @Test("a million letters a have the digest of the standard")
    func million() {
        let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        #expect(Self.digest(letters, inPiecesOf: 1_000_000) == expected)
        #expect(Self.digest(letters, inPiecesOf: 4099) == expected)
    }

    @Test("a digest that was asked for in between changes nothing")
    func inBetween() {
        var hash = SHA256()
        hash.update([UInt8]("ab".utf8))
        #expect(hash.hexadecimal == "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603")
        hash.update([UInt8]("c".utf8))
        #expect(hash.hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
