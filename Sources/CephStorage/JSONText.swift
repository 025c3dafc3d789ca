/// JSON as monitors really send it.
enum JSONText {
    /// The first object or array of a text that holds several, one after the other: Ceph
    /// 16.2.15 answers `osd blocklist ls` with `[…][…]`, the second array for address ranges.
    static func firstDocument(in text: [UInt8]) -> ArraySlice<UInt8> {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in text.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if isInString {
                isEscaped = byte == UInt8(ascii: "\\")
                isInString = byte != UInt8(ascii: "\"")
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return text[...index] }
            }
        }
        return text[...]
    }
}
