import DiffStream

/// A backup, as it comes through a pipe from anywhere.
struct BackupTarget: FuzzTarget {
    let name = "backups"
    let words = ["rbd diff v1\n", "f", "t", "s", "w", "z", "e"]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let whole = try read(input, inPiecesOf: max(1, input.count))
        for size in [1, 7] {
            let pieces = try read(input, inPiecesOf: size)
            try hold(
                pieces.answer == whole.answer, "in pieces of \(size) it says \(pieces.answer), not \(whole.answer)")
            // What comes before a fault is told or not, as it is cut.
            guard whole.answer.hasPrefix("whole") else { continue }
            try hold(pieces.image == whole.image, "in pieces of \(size) it makes another image")
        }
        try hold(!whole.answer.hasPrefix("broken"), whole.answer)
        return whole.answer
    }

    /// What comes out: the kind of answer, and what is at which place, the last one counting.
    private func read(_ input: [UInt8], inPiecesOf size: Int) throws(Broken) -> (answer: String, image: [UInt64: UInt8])
    {
        var reader = DiffReader()
        var image: [UInt64: UInt8] = [:]
        var head: DiffHead?
        var events = Set<String>()
        do throws(DiffFault) {
            for start in stride(from: 0, to: input.count, by: size) {
                for event in try reader.read([UInt8](input[start..<min(start + size, input.count)])) {
                    let broken = Self.take(event, &head, &image, &events)
                    if let broken { return ("broken: \(broken)", image) }
                }
            }
            try reader.finish()
            return ("whole \(events.sorted())", image)
        } catch {
            return (kind(error.description), image)
        }
    }

    /// - Returns: what must not be.
    private static func take(
        _ event: DiffEvent, _ head: inout DiffHead?, _ image: inout [UInt64: UInt8], _ events: inout Set<String>
    ) -> String? {
        switch event {
        case .head(let told):
            defer { head = told }
            events.insert(told.from == nil ? "whole" : "from")
            return head == nil ? nil : "there are two heads"
        case .bytes(let offset, let bytes):
            events.insert("bytes")
            for (index, byte) in bytes.enumerated() { image[offset + UInt64(index)] = byte }
            return offset + UInt64(bytes.count) <= head?.size ?? 0 ? nil : "bytes lie outside"
        case .zeros(let offset, let count):
            events.insert("zeros")
            for place in image.keys where place >= offset && place < offset + count { image[place] = 0 }
            return offset + count <= head?.size ?? 0 ? nil : "zeros lie outside"
        case .end:
            return head == nil ? "it ends before it has begun" : nil
        }
    }
}
