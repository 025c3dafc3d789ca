/// What is kept of a child's output stream, however much it writes.
struct KeptOutput: Sendable {
    enum End: Sendable {
        /// Keep the beginning: output that is parsed.
        case first
        /// Keep the end: error messages, where the last words count.
        case last
    }

    private(set) var bytes: [UInt8] = []
    private(set) var isCut = false
    private let end: End
    private let limit: Int

    init(_ end: End, limit: Int) {
        self.end = end
        self.limit = limit
    }

    mutating func append(_ more: some Collection<UInt8>) {
        switch end {
        case .first:
            let room = limit - bytes.count
            bytes.append(contentsOf: more.prefix(room))
            if more.count > room { isCut = true }
        case .last:
            bytes.append(contentsOf: more)
            // Cutting at twice the limit only keeps the cost of removing from the front low.
            if bytes.count > 2 * limit { cutFront() }
        }
    }

    private mutating func cutFront() {
        bytes.removeFirst(bytes.count - limit)
        isCut = true
    }

    var text: String {
        var kept = self
        if kept.bytes.count > limit { kept.cutFront() }
        return String(decoding: kept.bytes, as: UTF8.self)
    }
}
