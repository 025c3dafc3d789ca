/// The lines that wait to be written to one stream, bounded in bytes.
///
/// When there is no room for another line, the oldest lines below a warning make room, and then, for a warning or an
/// error, the oldest of its kind. A line below a warning never takes the place of a warning.
struct LogRing {
    /// What is to be written next.
    struct Next: Equatable {
        let line: [UInt8]
        /// How many lines were dropped that nothing has told of yet.
        let dropped: Int
    }

    /// What a line takes beside its bytes, so that very many short lines are bounded as well.
    private static let overhead = 64

    private let capacity: Int
    private var ordinary = Lines()
    private var grave = Lines()
    private var size = 0
    private var added: UInt64 = 0
    private var untold = 0
    /// How many lines were dropped in all.
    private(set) var dropped = 0

    /// - Parameter capacity: in bytes.
    init(capacity: Int) { self.capacity = capacity }

    var isEmpty: Bool { ordinary.isEmpty && grave.isEmpty }

    /// - Parameter isGrave: whether it is a warning or an error, which are dropped last.
    mutating func add(_ bytes: [UInt8], isGrave: Bool) {
        let needed = bytes.count + Self.overhead
        let replaceable = ordinary.size + (isGrave ? grave.size : 0)
        guard capacity - size + replaceable >= needed else { return lose() }
        while capacity - size < needed {
            if let line = ordinary.removeFirst() ?? grave.removeFirst() { size -= line.size }
            lose()
        }
        let line = Line(bytes: bytes, number: added, size: needed)
        added += 1
        size += needed
        if isGrave { grave.append(line) } else { ordinary.append(line) }
    }

    /// Takes out what is to be written next, in the order in which it was added.
    mutating func next() -> Next? {
        let graveIsFirst = grave.first.map { line in ordinary.first.map { line.number < $0.number } ?? true } ?? false
        guard let line = graveIsFirst ? grave.removeFirst() : ordinary.removeFirst() else { return nil }
        size -= line.size
        defer { untold = 0 }
        return Next(line: line.bytes, dropped: untold)
    }

    /// Counts a line that could not be kept, or not be written.
    mutating func lose() {
        untold += 1
        dropped += 1
    }

    /// The line that tells of dropped lines could not be written either: the next one tells of them.
    mutating func keepUntold(_ count: Int) { untold += count }

    private struct Line {
        let bytes: [UInt8]
        /// Its place among all lines.
        let number: UInt64
        let size: Int
    }

    /// Lines in their order; taking the first is cheap.
    private struct Lines {
        private var lines: [Line?] = []
        private var start = 0
        private(set) var size = 0

        var isEmpty: Bool { start == lines.count }
        var first: Line? { isEmpty ? nil : lines[start] }

        mutating func append(_ line: Line) {
            lines.append(line)
            size += line.size
        }

        mutating func removeFirst() -> Line? {
            guard let line = first else { return nil }
            lines[start] = nil
            start += 1
            size -= line.size
            if start > 64 && start * 2 > lines.count {
                lines.removeFirst(start)
                start = 0
            }
            return line
        }
    }
}
