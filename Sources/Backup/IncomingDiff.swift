import DiffStream
import VolumeCore

/// A stream as it comes in. Nothing of it is believed before its end.
public final class IncomingDiff {
    private let source: IncomingStream
    private let what: String
    private let checksum: String?
    private var reader = DiffReader()
    private var events: ArraySlice<DiffEvent> = []
    private var hasEnded = false

    /// - Parameters:
    ///   - checksum: what its SHA-256 has to be, in hexadecimal digits; `nil` for anything.
    ///   - what: what is done with it, for errors: `import volume db`.
    public init(_ source: IncomingStream, checksum: String?, _ what: String) {
        self.source = source
        self.checksum = checksum?.lowercased()
        self.what = what
    }

    /// What the stream says of itself. To be asked first.
    /// - Throws: `VolumeError` with code `damaged` for what is no such stream.
    public func head() async throws -> DiffHead {
        guard case .head(let head)? = try await next() else { throw damaged("it does not say what it is of") }
        return head
    }

    /// Reads all of it, to see whether it is whole.
    public func check() async throws {
        while try await next() != nil {}
    }

    /// - Returns: `nil` after the end of a stream that is whole and has its checksum.
    /// - Throws: `VolumeError` with code `damaged` for what is not.
    func next() async throws -> DiffEvent? {
        while true {
            if let event = events.popFirst() { return event }
            if hasEnded { return nil }
            try Task.checkCancellation()
            let bytes = try await source.read()
            do throws(DiffFault) {
                if bytes.isEmpty {
                    try reader.finish()
                    hasEnded = true
                } else {
                    events = try reader.read(bytes)[...]
                }
            } catch {
                throw damaged("\(error)")
            }
            if hasEnded, let checksum, source.tally.checksum != checksum {
                throw damaged("its SHA-256 is \(source.tally.checksum), not \(checksum)")
            }
        }
    }

    /// How much of it was read.
    var position: UInt64 { source.tally.count }

    func damaged(_ why: String) -> VolumeError {
        VolumeError(
            .damaged, what, why: "the backup cannot be used: \(why)", remedy: "nothing is left of the import",
            outcome: .refused)
    }
}
