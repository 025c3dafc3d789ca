/// The answer to List, written by hand: of a hundred thousand volumes JSONEncoder makes seconds of work. Docker reads the
/// names and mountpoints; their status it asks for one by one.
enum VolumeListText {
    static func encode(_ volumes: [VolumeDescription]) -> [UInt8] {
        var text = Array(#"{"Err":"","Volumes":["#.utf8)
        text.reserveCapacity(128 * (volumes.count + 1))
        for (index, volume) in volumes.enumerated() {
            text.append(contentsOf: (index == 0 ? "{" : ",{").utf8)
            if let createdAt = volume.createdAt, RFC3339.isTime(createdAt) {
                text.append(contentsOf: #""CreatedAt":"#.utf8)
                append(createdAt, to: &text)
                text.append(UInt8(ascii: ","))
            }
            text.append(contentsOf: #""Mountpoint":"#.utf8)
            append(volume.mountpoint, to: &text)
            text.append(contentsOf: #","Name":"#.utf8)
            append(volume.name, to: &text)
            text.append(contentsOf: #","Status":{}}"#.utf8)
        }
        text.append(contentsOf: "]}".utf8)
        return text
    }

    /// A JSON string (RFC 8259): quotes, backslashes and control characters are escaped.
    private static func append(_ string: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0..<0x20:
                text.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
                text.append(contentsOf: String(byte, radix: 16).utf8)
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
