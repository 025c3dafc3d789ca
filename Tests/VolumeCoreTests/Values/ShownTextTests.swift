import Testing
import VolumeCore

/// Texts and times as errors show them.
@Suite struct ShownTextTests {
    @Test(
        "D9: letters of any language are shown as they are, and what cannot be seen by its number",
        arguments: [
            ("ümlaut", "'ümlaut'"), ("名前", "'名前'"), ("💾", "'💾'"), ("a b", "'a b'"), ("a\u{A0}b", "'aU+00A0b'"),
            ("a\nb\t", "'a\\nb\\t'"), ("a\u{0}", "'aU+0000'"), ("a\u{202E}b", "'aU+202Eb'"), ("", "''"),
            ("e\u{301}", "'e\u{301}'"), ("\u{301}", "'U+0301'"),
            (String(repeating: "x", count: 61), "'\(String(repeating: "x", count: 60))…'"),
        ])
    func d9Quoted(text: String, shown: String) {
        #expect(ShownText.quoted(text).unicodeScalars.elementsEqual(shown.unicodeScalars), "\(ShownText.quoted(text))")
    }

    @Test(
        "D9: a length of time is shown with as many digits as people read",
        arguments: [
            (Duration.nanoseconds(9_999_998_697), "10 s"), (.milliseconds(2540), "2.5 s"), (.seconds(600), "600 s"),
            (.milliseconds(999), "999 ms"), (.microseconds(999_600), "1 s"), (.microseconds(1500), "2 ms"),
            (.zero, "0 ms"),
        ])
    func d9Duration(duration: Duration, shown: String) {
        #expect(duration.inWords == shown)
    }

    @Test("D9: the name of a volume that is refused is shown as it was typed")
    func d9Name() {
        #expect(throws: VolumeError.self) { try VolumeName("ümlaut") }
        do {
            _ = try VolumeName("ümlaut")
        } catch {
            #expect(error.description.contains("'ümlaut'") && error.description.contains("it contains 'ü'"), "\(error)")
        }
    }
}
