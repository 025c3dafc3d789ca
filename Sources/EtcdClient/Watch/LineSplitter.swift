/// Cuts a stream of bytes into lines, wherever the network has cut it.
struct LineSplitter {
    private var unfinished: [UInt8] = []

    /// The lines that `bytes` complete, without their ends. Empty ones are left out.
    mutating func feed(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = unfinished + rest[..<end]
            unfinished = []
            rest = rest[rest.index(after: end)...]
            if !line.isEmpty { lines.append(line) }
        }
        unfinished += rest
        return lines
    }

    /// What came after the last line end: the gateway ends its last message without one.
    mutating func finish() -> [UInt8]? {
        defer { unfinished = [] }
        return unfinished.isEmpty ? nil : unfinished
    }
}
