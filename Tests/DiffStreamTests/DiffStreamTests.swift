import DiffStream
import Testing

/// What `rbd export-diff` writes and `rbd import-diff` reads.
@Suite struct DiffStreamTests {
    /// A whole stream, and what is to come out of it.
    private struct Example {
        var head = DiffHead(from: "sunday", to: "monday", size: 1 << 16)
        var bytes: [UInt8] = []
        var content = [UInt8](repeating: 0xFF, count: 1 << 16)

        init(seed: UInt64 = 1, records: Int = 20) {
            var generator = Generator(state: seed)
            bytes = DiffWriter.head(head)
            for _ in 0..<records {
                let offset = UInt64.random(in: 0..<(1 << 16), using: &generator)
                let count = UInt64.random(in: 1...min(3_000, (1 << 16) - offset), using: &generator)
                let range = Int(offset)..<Int(offset + count)
                if Bool.random(using: &generator) {
                    bytes += DiffWriter.zeros(at: offset, count: count)
                    content.replaceSubrange(range, with: repeatElement(0, count: Int(count)))
                } else {
                    let data = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    bytes += DiffWriter.write(at: offset, count: count) + data
                    content.replaceSubrange(range, with: data)
                }
            }
            bytes += DiffWriter.end
        }
    }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ state &>> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed &>> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed &>> 31
        }
    }

    /// Reads a stream in pieces of a size, and checks what has to hold of any.
    private func read(_ bytes: [UInt8], inPiecesOf size: Int = 4096) throws(DiffFault) -> (head: DiffHead, [UInt8]) {
        var reader = DiffReader()
        var head: DiffHead?
        var content = [UInt8](repeating: 0xFF, count: 1 << 16)
        var hasEnded = false
        for start in stride(from: 0, to: bytes.count, by: size) {
            for event in try reader.read([UInt8](bytes[start..<min(start + size, bytes.count)])) {
                #expect(!hasEnded)
                switch event {
                case .head(let told):
                    #expect(head == nil)
                    head = told
                case .bytes(let offset, let piece):
                    #expect(piece.count <= size && offset + UInt64(piece.count) <= head?.size ?? 0)
                    if offset + UInt64(piece.count) <= 1 << 16 {
                        content.replaceSubrange(Int(offset)..<Int(offset) + piece.count, with: piece)
                    }
                case .zeros(let offset, let count):
                    #expect(offset + count <= head?.size ?? 0)
                    if offset + count <= 1 << 16 {
                        content.replaceSubrange(
                            Int(offset)..<Int(offset + count), with: repeatElement(0, count: Int(count)))
                    }
                case .end: hasEnded = true
                }
            }
        }
        try reader.finish()
        #expect(hasEnded)
        return (head ?? DiffHead(to: nil, size: 0), content)
    }

    private func fault(_ bytes: [UInt8], inPiecesOf size: Int = 4096) -> DiffFault.Kind? {
        do throws(DiffFault) {
            _ = try read(bytes, inPiecesOf: size)
            return nil
        } catch {
            #expect(!error.description.isEmpty && error.position <= UInt64(bytes.count))
            return error.kind
        }
    }

    @Test("what is written is read back, however it is cut into pieces", arguments: [1, 2, 13, 4096, 1 << 17])
    func readBack(_ size: Int) throws {
        let example = Example()
        let (head, content) = try read(example.bytes, inPiecesOf: size)
        #expect(head == example.head)
        #expect(content == example.content)
    }

    @Test("the bytes are those that Ceph's documentation describes")
    func bytes() {
        let head = DiffWriter.head(DiffHead(from: "a", to: "bc", size: 0x0102))
        #expect(
            head == [UInt8]("rbd diff v1\nf".utf8) + [1, 0, 0, 0] + [UInt8]("at".utf8) + [2, 0, 0, 0]
                + [UInt8]("bcs".utf8) + [2, 1, 0, 0, 0, 0, 0, 0])
        #expect(
            DiffWriter.write(at: 1, count: 0x0203)
                == [UInt8(ascii: "w")] + [1, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0])
        #expect(DiffWriter.zeros(at: 0, count: 1).first == UInt8(ascii: "z") && DiffWriter.end == [UInt8(ascii: "e")])
    }

    @Test("a stream that is cut anywhere is no whole stream")
    func cut() {
        let example = Example(records: 3)
        for length in 1..<example.bytes.count {
            guard length < 200 || length % 97 == 0 || length > example.bytes.count - 40 else { continue }
            #expect(fault([UInt8](example.bytes.prefix(length))) == .cut, "cut after \(length)")
        }
        #expect(fault([]) == .empty)
        #expect(fault(example.bytes + [0]) == .more)
    }

    @Test(
        "a record whose byte is changed, or a stream that loses or gets a byte, never reads beyond the image or crashes"
    )
    func corrupted() {
        for seed in 0..<300 as Range<UInt64> {
            var generator = Generator(state: seed)
            let example = Example(seed: seed, records: 2)
            var bytes = example.bytes
            for _ in 0...Int.random(in: 0..<3, using: &generator) {
                // Most of a stream is data, which may be anything: what is looked for is in its frame.
                let index = Int.random(in: 0..<min(bytes.count, 80), using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            _ = fault(bytes, inPiecesOf: Int.random(in: 1...5000, using: &generator))
        }
    }

    @Test("bytes at random are no stream, with or without its beginning")
    func garbage() {
        var generator = Generator(state: 7)
        let banner = [UInt8]("rbd diff v1\n".utf8)
        for _ in 0..<200 {
            let count = Int.random(in: 1..<400, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(fault(bytes) != nil)
            _ = fault(banner + bytes)
        }
        for other in ["rbd diff v2\n", "rbd image v2\n", "#!/bin/sh\n", "\u{1f}\u{8b}"] {
            #expect(fault([UInt8](other.utf8)) == .noBanner, "\(other)")
        }
    }

    @Test("lengths and places that cannot be are refused before anything is kept in memory for them")
    func lies() {
        let banner = [UInt8]("rbd diff v1\n".utf8)
        let size = [UInt8]("s".utf8) + [0, 0, 1, 0, 0, 0, 0, 0]
        let most = [UInt8](repeating: 0xFF, count: 8)
        #expect(fault(banner + [UInt8]("f".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]) == .nameLength(0xFFFF_FFFF))
        #expect(fault(banner + [UInt8]("t".utf8) + [0, 0, 0, 0]) == .nameLength(0))
        #expect(fault(banner + [UInt8]("t".utf8) + [1, 0, 0, 0, 0xFF]) == .name)
        #expect(fault(banner + [UInt8]("s".utf8) + most) == .size(.max))
        #expect(fault(banner + size + size) == .misplaced("s"))
        #expect(fault(banner + [UInt8]("e".utf8)) == .noSize)
        #expect(fault(banner + DiffWriter.zeros(at: 0, count: 1)) == .noSize)
        #expect(fault(banner + size + DiffWriter.zeros(at: 0, count: 1) + size) == .misplaced("s"))
        #expect(fault(banner + size + [UInt8]("x".utf8)) == .unknownRecord(UInt8(ascii: "x")))
        for (offset, count) in [(1 << 16, 1), (0, (1 << 16) + 1), (.max, 1), (1, .max), (.max, .max)]
            as [(UInt64, UInt64)]
        {
            #expect(
                fault(banner + size + DiffWriter.write(at: offset, count: count))
                    == .beyond(offset: offset, count: count))
            #expect(
                fault(banner + size + DiffWriter.zeros(at: offset, count: count))
                    == .beyond(offset: offset, count: count))
        }
    }

    @Test("a record larger than memory comes out in the pieces in which it is read")
    func large() throws {
        var reader = DiffReader()
        let head = DiffHead(to: nil, size: 1 << 50)
        _ = try reader.read(DiffWriter.head(head) + DiffWriter.write(at: 4096, count: 1 << 49))
        let piece = [UInt8](repeating: 1, count: 65_536)
        for index in 0..<64 as Range<UInt64> {
            #expect(try reader.read(piece) == [.bytes(offset: 4096 + index * 65_536, piece[...])])
        }
        #expect(throws: DiffFault.self) { try reader.finish() }
    }
}
