import CRbd
import Glibc
import Synchronization
import VolumeCore

extension RBDImage {
    /// Reads (`rbd_read`). Stops at the end of the image: the answer can be shorter.
    public func read(at offset: UInt64, count: Int, timeout: Duration? = nil) async throws -> [UInt8] {
        let call = CephCall.reading("rbd_read", subject)
        return try await perform(call, timeout: timeout) { image in
            try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                initialized = try call.check(rbd_read(image, offset, count, buffer.baseAddress))
            }
        }
    }

    /// Writes (`rbd_write`). It is on disk after ``flush(timeout:)``.
    public func write(_ bytes: [UInt8], at offset: UInt64, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_write", subject)
        try await perform(call, timeout: timeout) { image in
            let written = try call.check(rbd_write(image, offset, bytes.count, bytes))
            if written != bytes.count {
                throw call.error(EIO, detail: "only \(written) of \(bytes.count) bytes were written")
            }
        }
    }

    /// Writes many extents with several of them on their way at a time (`rbd_aio_write`),
    /// then flushes. Extents that overlap may land in any order.
    ///
    /// When the deadline passes or the task is cancelled, no further extent is sent; those
    /// on their way may still be written.
    /// - Parameter inFlight: the most extents on their way at a time.
    public func write(extents: [ImageExtent], inFlight: Int = 16, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_aio_write", subject)
        let abandoned = AbandonFlag()
        do {
            try await perform(call, timeout: timeout) { image in
                try PipelinedWriter.write(extents, to: image, inFlight: inFlight, call) { abandoned.isSet }
                try CephCall.changing("rbd_flush", call.subject).check(rbd_flush(image))
            }
        } catch {
            abandoned.set()
            throw error
        }
    }

    /// Gives the space of a range back (`rbd_discard`): it reads as zeros afterwards.
    public func discard(at offset: UInt64, count: UInt64, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_discard", subject)
        try await perform(call, timeout: timeout) { image in
            _ = try call.check(rbd_discard(image, offset, count))
        }
    }

    /// Returns when all that was written is on disk (`rbd_flush`).
    public func flush(timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_flush", subject)
        try await perform(call, timeout: timeout) { image in
            _ = try call.check(rbd_flush(image))
        }
    }
}

/// Tells a call in its thread that its caller has gone.
private final class AbandonFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() {
        flag.store(true, ordering: .releasing)
    }
}
