/// What is written over a filesystem to make it one that no kernel has made. The same for the same seed.
public struct Scribbles: Sendable {
    /// Offsets and bytes, in the order of writing.
    public let writes: [(offset: UInt64, bytes: [UInt8])]

    public init(_ writes: [(offset: UInt64, bytes: [UInt8])]) { self.writes = writes }

    /// - Parameters:
    ///   - filesystem: `ext4`, `xfs` or `btrfs`.
    ///   - image: the filesystem as it was made.
    public init(seed: UInt64, _ filesystem: String, over image: ImageContent) {
        var random = SeededGenerator(state: seed)
        let vital = Self.vital[filesystem] ?? [0]
        writes = (0..<Int.random(in: 1...8, using: &random)).map { _ in
            let isVital = Int.random(in: 0..<3, using: &random) == 0
            let block = (isVital ? vital : image.usedBlocks).randomElement(using: &random) ?? 0
            return Self.scribble(on: block, of: image, isVital: isVital, &random)
        }
    }

    /// Where superblocks, descriptors and the roots of all else are.
    private static let vital: [String: [UInt64]] = [
        "ext4": [0, 4096], "xfs": [0], "btrfs": [64 << 10, 64 << 20],
    ]

    private static func scribble(
        on block: UInt64, of image: ImageContent, isVital: Bool, _ random: inout SeededGenerator
    ) -> (offset: UInt64, bytes: [UInt8]) {
        var bytes = image.block(at: block)
        let start = Int.random(in: 0..<bytes.count, using: &random)
        // What has lost its superblock altogether nobody mounts: that is tried once, and not again and again.
        switch Int.random(in: 0..<(isVital ? 4 : 6), using: &random) {
        case 0, 1:
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(
                    in: 0..<min(bytes.count, 1 << Int.random(in: 5...12, using: &random)), using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        case 2:
            let odd: UInt8 = [0, 0xff, 0x7f, 0x80].randomElement(using: &random) ?? 0
            let length = [2, 4, 8, 64].randomElement(using: &random) ?? 2
            for place in start..<min(bytes.count, start + length) { bytes[place] = odd }
        case 3:
            for place in start..<min(bytes.count, start + 64) { bytes[place] = .random(in: 0...255, using: &random) }
        case 4: bytes = [UInt8](repeating: 0, count: [4096, 16384, 65536].randomElement(using: &random) ?? 4096)
        default: bytes = image.block(at: image.usedBlocks.randomElement(using: &random) ?? 0)
        }
        return (block, bytes)
    }

    /// As `rbd import-diff` takes it (rbd's doc/dev/rbd-diff.rst): the image is given through librbd, as every other write.
    /// - Parameter size: of the image, which it keeps.
    public func diff(size: UInt64) -> [UInt8] {
        func number(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        var diff = Array("rbd diff v1\n".utf8) + [UInt8(ascii: "s")] + number(size)
        for write in writes {
            let bytes = write.bytes.prefix(Int(size - min(size, write.offset)))
            diff += [UInt8(ascii: "w")] + number(write.offset) + number(UInt64(bytes.count)) + bytes
        }
        return diff + [UInt8(ascii: "e")]
    }
}

/// What an image holds, as `rbd export` writes it into a file.
public struct ImageContent: Sendable {
    private static let blockSize = 4096
    private let bytes: [UInt8]
    /// Where it holds anything but zeros.
    public let usedBlocks: [UInt64]

    public var size: UInt64 { UInt64(bytes.count) }

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        usedBlocks = bytes.withUnsafeBytes { raw in
            let words = raw.bindMemory(to: UInt64.self)
            let perBlock = Self.blockSize / 8
            return stride(from: 0, to: words.count / perBlock * perBlock, by: perBlock).filter { first in
                words[first..<first + perBlock].contains { $0 != 0 }
            }.map { UInt64($0 * 8) }
        }
    }

    func block(at offset: UInt64) -> [UInt8] { bytes(at: offset, Self.blockSize) }

    /// Fewer where the image ends.
    public func bytes(at offset: UInt64, _ count: Int) -> [UInt8] {
        Array(bytes[Int(min(offset, size))..<Int(min(offset + UInt64(count), size))])
    }
}
