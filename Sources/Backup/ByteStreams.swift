import Blocking
import DiffStream
import Glibc
import Synchronization
import VolumeCore

/// What has gone through a file descriptor.
public struct StreamTally: Sendable {
    public fileprivate(set) var count: UInt64 = 0
    fileprivate var hash = SHA256()

    /// The SHA-256 of all bytes, in hexadecimal digits.
    public var checksum: String { hash.hexadecimal }
}

/// Where a stream goes: a file, a pipe. Who reads it may take hours, so a write has no deadline; it ends with its task.
public final class OutgoingStream: Sendable {
    private let descriptor: CInt
    private let threads = BlockingPool(name: "backup-output", perLane: 1)
    private let sum = Mutex(StreamTally())

    /// - Parameter descriptor: stays its owner's.
    public init(descriptor: CInt) { self.descriptor = descriptor }

    public var tally: StreamTally { sum.withLock(\.self) }

    /// - Throws: `VolumeError` when the bytes cannot be written.
    public func write(_ bytes: [UInt8]) async throws {
        let descriptor = descriptor
        let code = try await threads.run("write", timeout: BackupLimits.others) {
            DescriptorCalls.write(bytes, to: descriptor)
        }
        guard code == 0 else { throw Self.failure(code) }
        sum.withLock { sum in
            sum.count += UInt64(bytes.count)
            sum.hash.update(bytes)
        }
    }

    private static func failure(_ code: CInt) -> VolumeError {
        VolumeError(
            code == ENOSPC ? .noSpace : .unavailable, "write the backup",
            why: code == EPIPE ? "the program that it went to has ended" : String(cString: strerror(code)),
            remedy: "what was written so far is no whole backup")
    }
}

/// Where a stream comes from. Who writes it may take hours, so a read has no deadline; it ends with its task.
public final class IncomingStream: Sendable {
    /// The most that one read brings.
    private static let piece = 1 << 20

    private let descriptor: CInt
    private let threads = BlockingPool(name: "backup-input", perLane: 1)
    private let sum = Mutex(StreamTally())

    /// - Parameter descriptor: stays its owner's.
    public init(descriptor: CInt) { self.descriptor = descriptor }

    public var tally: StreamTally { sum.withLock(\.self) }

    /// - Returns: nothing at its end.
    /// - Throws: `VolumeError` when it cannot be read.
    public func read() async throws -> [UInt8] {
        let descriptor = descriptor
        let result = try await threads.run("read", timeout: BackupLimits.others) {
            DescriptorCalls.read(from: descriptor, atMost: Self.piece)
        }
        switch result {
        case .success(let bytes):
            sum.withLock { sum in
                sum.count += UInt64(bytes.count)
                sum.hash.update(bytes)
            }
            return bytes
        case .failure(let failure):
            throw VolumeError(.unavailable, "read the backup", why: String(cString: strerror(failure.code)))
        }
    }
}

/// How long a part of a backup may take.
enum BackupLimits {
    /// Whoever is at the other end of a pipe.
    static let others = Duration.seconds(365 * 86_400)
    /// A call to Ceph that makes many requests. Each request has its own limit.
    static let manyRequests = Duration.seconds(120)
    /// How long an export waits for Ceph to answer again.
    static let silence = Duration.seconds(600)
}

/// Reads and writes that block, for a thread of their own.
private enum DescriptorCalls {
    struct Failure: Error {
        let code: CInt
    }

    static func write(_ bytes: [UInt8], to descriptor: CInt) -> CInt {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written < 0 else {
                rest = rest.dropFirst(written)
                continue
            }
            let code = errno
            if code == EAGAIN { wait(for: POLLOUT, descriptor) } else if code != EINTR { return code }
        }
        return 0
    }

    static func read(from descriptor: CInt, atMost most: Int) -> Result<[UInt8], Failure> {
        while true {
            var code: CInt = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
                let read = Glibc.read(descriptor, buffer.baseAddress, most)
                if read < 0 { code = errno }
                count = max(0, read)
            }
            switch code {
            case 0: return .success(bytes)
            case EAGAIN: wait(for: POLLIN, descriptor)
            case EINTR: continue
            default: return .failure(Failure(code: code))
            }
        }
    }

    private static func wait(for event: Int32, _ descriptor: CInt) {
        var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        _ = poll(&request, 1, -1)
    }
}
