import Glibc
import SystemPackage

/// A client's connection to a unix stream socket that blocks no thread of Swift's: it retries until its deadline.
///
/// Not copyable, so that the descriptor has one owner and is closed exactly once.
struct UnixConnection: ~Copyable {
    private let descriptor: Int32

    /// - Throws: ``ConnectionFailure``.
    init(to path: String, by deadline: ContinuousClock.Instant) async throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK | Self.closeOnExec, 0)
        guard descriptor >= 0 else { throw ConnectionFailure.cannotConnect(Errno(rawValue: errno)) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { throw RigFailure("\(path) is too long for a unix socket's path") }
        while true {
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return }
            // EAGAIN: the server's backlog is full.
            guard errno == EAGAIN || errno == EINTR else {
                throw ConnectionFailure.cannotConnect(Errno(rawValue: errno))
            }
            try await Self.pause(until: deadline)
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8], by deadline: ContinuousClock.Instant) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent >= 0 {
                rest = rest.dropFirst(sent)
            } else if errno == EAGAIN || errno == EINTR {
                try await Self.pause(until: deadline)
            } else {
                throw ConnectionFailure.brokenOff(Errno(rawValue: errno))
            }
        }
    }

    /// What has arrived, at least one byte; empty at the end of the stream.
    func receive(by deadline: ContinuousClock.Instant) async throws -> [UInt8] {
        while true {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, initialized in
                count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
                initialized = max(count, 0)
            }
            if count >= 0 { return bytes }
            guard errno == EAGAIN || errno == EINTR else {
                throw ConnectionFailure.brokenOff(Errno(rawValue: errno))
            }
            guard ContinuousClock.now < deadline else { throw ConnectionFailure.deadlinePassed }
            try Task.checkCancellation()
            await Self.wait(for: descriptor)
        }
    }

    /// Says that nothing more will be sent: shutdown(2) for writing.
    func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)

    /// Until something has arrived, or for 100 ms. To look again every millisecond would take from the plugin what it is
    /// timed with; a slow machine's whole processor.
    private static func wait(for descriptor: Int32) async {
        await withCheckedContinuation { continuation in
            let waiting = Waiting(descriptor, continuation)
            var thread = pthread_t()
            let started = pthread_create(&thread, nil, Waiting.run, Unmanaged.passRetained(waiting).toOpaque())
            if started == 0 {
                pthread_detach(thread)
            } else {
                Unmanaged.passUnretained(waiting).release()
                continuation.resume()
            }
        }
    }

    /// What a thread of its own waits for.
    private final class Waiting: Sendable {
        private let descriptor: Int32
        private let continuation: CheckedContinuation<Void, Never>

        init(_ descriptor: Int32, _ continuation: CheckedContinuation<Void, Never>) {
            self.descriptor = descriptor
            self.continuation = continuation
        }

        static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
            guard let pointer else { return nil }
            let waiting = Unmanaged<Waiting>.fromOpaque(pointer).takeRetainedValue()
            var wanted = pollfd(fd: waiting.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&wanted, 1, 100)
            waiting.continuation.resume()
            return nil
        }
    }

    private static func pause(until deadline: ContinuousClock.Instant) async throws {
        guard ContinuousClock.now < deadline else { throw ConnectionFailure.deadlinePassed }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Why there was no answer.
public enum ConnectionFailure: Error, Equatable, Sendable {
    /// Nobody listens there.
    case cannotConnect(Errno)
    /// The connection was closed in an orderly way before a whole answer had come: how the plugin says "ask again".
    case closedWithoutAnswer
    /// The connection broke.
    case brokenOff(Errno)
    /// Nothing (more) came in time.
    case deadlinePassed
}
