/// Cuts a stream of bytes into lines, wherever the network has cut it. No line may be longer than a limit.
struct LineSplitter {
    /// A line goes on beyond the limit.
    struct TooLong: Error {
        var limit: Int
    }

    private let limit: Int
    private var buffer: [UInt8] = []
    /// Where the next line begins.
    private var start = 0
    /// Up to here there is no line end after `start`.
    private var searched = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func feed(_ bytes: [UInt8]) {
        buffer.removeSubrange(..<start)
        (start, searched) = (0, searched - start)
        buffer += bytes
    }

    /// The next whole line, without its end. Empty ones are left out. `nil` when more has to be fed first.
    mutating func next() throws(TooLong) -> [UInt8]? {
        while let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = buffer[start..<end]
            (start, searched) = (end + 1, end + 1)
            guard line.count <= limit else { throw TooLong(limit: limit) }
            if !line.isEmpty { return Array(line) }
        }
        searched = buffer.count
        guard buffer.count - start <= limit else { throw TooLong(limit: limit) }
        return nil
    }

    /// What came after the last line end: the gateway ends its last message without one.
    mutating func finish() -> [UInt8]? {
        defer { (buffer, start, searched) = ([], 0, 0) }
        return start < buffer.count ? Array(buffer[start...]) : nil
    }
}
