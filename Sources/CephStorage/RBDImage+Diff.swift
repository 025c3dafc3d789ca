import CRbd
import Synchronization

/// A part of an image that is not as it was.
public struct ImageDifference: Sendable, Hashable {
    /// In bytes from the start of the image.
    public let offset: UInt64
    public let count: UInt64
    /// `false` where there is nothing any more: it reads as zeros.
    public let exists: Bool

    public init(offset: UInt64, count: UInt64, exists: Bool) {
        self.offset = offset
        self.count = count
        self.exists = exists
    }
}

extension RBDImage {
    /// The parts of a range that have changed since a snapshot (`rbd_diff_iterate2`). The image must be open at a later snapshot.
    /// On a striped image the parts are not in the order of their offsets.
    /// - Parameters:
    ///   - snapshot: its name; `nil` for all that there is, what comes from the parent of a clone included.
    ///   - includingParent: whether what a clone has of its parent counts; only without a snapshot.
    ///   - wholeObjects: only tells which objects differ, which the feature fast-diff knows without asking for each.
    /// - Throws: `ENOENT` when there is no such snapshot, `EINVAL` when it is the later one.
    public func differences(
        from snapshot: String?, at offset: UInt64, count: UInt64, includingParent: Bool = true,
        wholeObjects: Bool = false, timeout: Duration? = nil
    ) async throws -> [ImageDifference] {
        let call = CephCall.reading("rbd_diff_iterate2", subject)
        if let snapshot { try call.refuseNUL(in: [snapshot]) }
        return try await perform(call, timeout: timeout) { image in
            let found = FoundDifferences()
            return try withExtendedLifetime(found) {
                let code = rbd_diff_iterate2(
                    image, snapshot, offset, count, snapshot == nil && includingParent ? 1 : 0, wholeObjects ? 1 : 0,
                    noteDifference,
                    Unmanaged.passUnretained(found).toOpaque())
                if code < 0 { throw call.error(code, detail: snapshot.map { "since snapshot '\($0)'" }) }
                return found.all
            }
        }
    }

    /// Makes a range read as zeros, each byte of it (`rbd_write_zeroes`): `rbd_discard` leaves out what is less than its granularity.
    public func writeZeros(at offset: UInt64, count: UInt64, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_write_zeroes", subject)
        try await perform(call, timeout: timeout) { image in
            var (offset, left) = (offset, count)
            while left > 0 {
                let piece = Int(clamping: left)
                _ = try call.check(rbd_write_zeroes(image, offset, piece, 0, 0))
                offset += UInt64(piece)
                left -= UInt64(piece)
            }
        }
    }
}

private final class FoundDifferences: Sendable {
    private let found = Mutex<[ImageDifference]>([])

    var all: [ImageDifference] { found.withLock(\.self) }

    func note(_ difference: ImageDifference) { found.withLock { $0.append(difference) } }
}

/// The callback of `rbd_diff_iterate2`, which librbd calls from threads of its own, one call after the other.
private func noteDifference(
    _ offset: UInt64, _ count: Int, _ exists: CInt, _ argument: UnsafeMutableRawPointer?
) -> CInt {
    guard let argument else { return 0 }
    Unmanaged<FoundDifferences>.fromOpaque(argument).takeUnretainedValue()
        .note(ImageDifference(offset: offset, count: UInt64(count), exists: exists != 0))
    return 0
}
