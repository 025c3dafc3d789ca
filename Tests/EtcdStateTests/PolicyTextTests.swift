import EtcdState
import Testing
import VolumeCore

@Suite("The text of a policy") struct PolicyTextTests {
    private func refusal(_ text: String) -> VolumeError? {
        do throws(VolumeError) {
            _ = try PolicyText.read(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test("What is written is read back, in lines that people can compare")
    func roundTrip() throws {
        let reading = try PolicyText.read(Array(#"{"runtime": {"iops": 500}, "create": {"pool": "rbd"}}"#.utf8))
        let text = try PolicyText.write(reading.policy)
        #expect(text.split(separator: "\n").count > 4)
        #expect(try PolicyText.read(Array(text.utf8)) == reading)
    }

    @Test("What is no JSON, too long or too deep is refused in a sentence")
    func refused() {
        for text in ["", "gold", #"{"create": "#, "\u{0}", #"{"create": {"pool": "a"}"#] {
            #expect(refusal(text)?.why.hasPrefix("it is no JSON") == true, "\(text)")
        }
        let padded = #"{"create": {}}"# + String(repeating: " ", count: 2 << 20)
        #expect(refusal(padded)?.why.contains("64 KiB") == true)
        let deep = String(repeating: #"{"runtime": "#, count: 1000)
        #expect(refusal(deep)?.why.contains("nested") == true)
        #expect(refusal(#"{"create": {"pol": "rbd"}}"#)?.code == .invalidOption)
    }
}
