/// What comes out of a stream, in order.
public enum DiffEvent: Sendable, Hashable {
    /// Once, before everything else.
    case head(DiffHead)
    /// The image has these bytes there. A record of the stream may come in many such pieces.
    case bytes(offset: UInt64, ArraySlice<UInt8>)
    /// There are only zeros.
    case zeros(offset: UInt64, count: UInt64)
    /// The stream was whole.
    case end
}

/// Reads a stream piece by piece, wherever the pieces are cut.
///
/// Nothing that the stream says is believed: it keeps at most one name in memory, whatever lengths are claimed, and no range leads
/// out of the image. After an error there is nothing more to be read.
public struct DiffReader: Sendable {
    private enum Part {
        case banner
        case tag
        /// The number of bytes of a name.
        case nameLength(DiffTag)
        case name(DiffTag)
        case size
        case range(DiffTag)
        case data(offset: UInt64, left: UInt64)
        case ended
    }

    private var part = Part.banner
    /// The bytes of a part that has not come whole yet, and how many there have to be.
    private var pending: [UInt8] = []
    private var wanted = DiffTag.banner.count
    private var from: String?
    private var to: String?
    private var size: UInt64?
    private var head: DiffHead?
    /// How many bytes were read, for errors.
    private var position: UInt64 = 0

    public init() {}

    /// - Returns: what these bytes complete.
    /// - Throws: ``DiffFault`` for what is no such stream.
    public mutating func read(_ bytes: [UInt8]) throws(DiffFault) -> [DiffEvent] {
        var events: [DiffEvent] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if case .data(let offset, let left) = part {
                let piece = rest.prefix(Int(min(left, UInt64(rest.count))))
                events.append(.bytes(offset: offset, piece))
                rest = rest.dropFirst(piece.count)
                position += UInt64(piece.count)
                let count = UInt64(piece.count)
                if left == count { expect(.tag, 1) } else { part = .data(offset: offset + count, left: left - count) }
                continue
            }
            if case .ended = part { throw fault(.more) }
            let piece = rest.prefix(wanted - pending.count)
            pending += piece
            rest = rest.dropFirst(piece.count)
            position += UInt64(piece.count)
            // What begins otherwise is told at once, and not when there are enough bytes.
            if case .banner = part, !DiffTag.banner.starts(with: pending) { throw fault(.noBanner) }
            if pending.count == wanted { try complete(&events) }
        }
        return events
    }

    /// To be called when there is nothing more.
    /// - Throws: ``DiffFault`` when the stream has not come to its end.
    public func finish() throws(DiffFault) {
        guard case .ended = part else { throw fault(position == 0 ? .empty : .cut) }
    }

    private mutating func expect(_ next: Part, _ count: Int) {
        part = next
        wanted = count
        pending.removeAll(keepingCapacity: true)
    }

    /// The part that was waited for is in `pending`.
    private mutating func complete(_ events: inout [DiffEvent]) throws(DiffFault) {
        switch part {
        case .banner: expect(.tag, 1)
        case .tag: try begin(pending[0], &events)
        case .nameLength(let tag):
            let count: UInt32 = number(at: 0)
            guard count > 0, count <= DiffHead.longestName else { throw fault(.nameLength(UInt64(count))) }
            expect(.name(tag), Int(count))
        case .name(let tag):
            let name = String(validating: pending, as: UTF8.self)
            guard let name, !pending.contains(where: { $0 < 0x20 }) else { throw fault(.name) }
            if tag == .from { from = name } else { to = name }
            expect(.tag, 1)
        case .size:
            let bytes: UInt64 = number(at: 0)
            guard bytes <= UInt64(Int64.max) else { throw fault(.size(bytes)) }
            size = bytes
            expect(.tag, 1)
        case .range(let tag): try range(tag, &events)
        case .data, .ended: break
        }
    }

    private mutating func begin(_ byte: UInt8, _ events: inout [DiffEvent]) throws(DiffFault) {
        guard let tag = DiffTag(rawValue: byte) else { throw fault(.unknownRecord(byte)) }
        switch tag {
        case .from, .to, .size:
            let known = tag == .from ? from != nil : tag == .to ? to != nil : size != nil
            guard head == nil, !known else { throw fault(.misplaced(tag.letter)) }
            if tag == .size { expect(.size, 8) } else { expect(.nameLength(tag), 4) }
        case .write, .zeros:
            try completeHead(&events)
            expect(.range(tag), 16)
        case .end:
            try completeHead(&events)
            events.append(.end)
            part = .ended
        }
    }

    private mutating func completeHead(_ events: inout [DiffEvent]) throws(DiffFault) {
        guard head == nil else { return }
        guard let size else { throw fault(.noSize) }
        let complete = DiffHead(from: from, to: to, size: size)
        head = complete
        events.append(.head(complete))
    }

    private mutating func range(_ tag: DiffTag, _ events: inout [DiffEvent]) throws(DiffFault) {
        let offset: UInt64 = number(at: 0)
        let count: UInt64 = number(at: 8)
        let (end, isTooFar) = offset.addingReportingOverflow(count)
        guard let size, !isTooFar, end <= size else { throw fault(.beyond(offset: offset, count: count)) }
        if tag == .zeros, count > 0 { events.append(.zeros(offset: offset, count: count)) }
        if tag == .write, count > 0 { part = .data(offset: offset, left: count) } else { expect(.tag, 1) }
    }

    private func number<Number: FixedWidthInteger>(at index: Int) -> Number {
        pending[index..<index + MemoryLayout<Number>.size].reversed().reduce(0) { $0 << 8 | Number($1) }
    }

    private func fault(_ kind: DiffFault.Kind) -> DiffFault { DiffFault(kind, at: position) }
}

extension DiffTag {
    fileprivate var letter: String { String(UnicodeScalar(rawValue)) }
}
