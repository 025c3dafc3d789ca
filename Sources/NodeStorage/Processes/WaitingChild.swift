import Glibc
import Synchronization
import SystemPackage

/// A companion program that has been started and waits for its one request: how long it takes to start costs no call
/// anything. It ends when it has seen to the request, or when this object goes, or this process.
final class WaitingChild: Sendable {
    let handle: ChildHandle
    private let socket: FileDescriptor
    private let ended: Task<CommandResult, any Error>

    /// - Throws: `Errno` when there is no socket to be had.
    init(_ spawn: Spawn, handle: ChildHandle) throws {
        var ends: [CInt] = [-1, -1]
        // A socket and not a pipe: writing to a child that has gone is an error, and raises no SIGPIPE here.
        try SystemCall.check { socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) }
        let input = FileDescriptor(rawValue: ends[1])
        socket = FileDescriptor(rawValue: ends[0])
        self.handle = handle
        // It is waited for until it is reaped, whoever started it.
        ended = Task.detached {
            defer { handle.close() }
            return try await spawn.run(input: input, handle: handle)
        }
    }

    deinit { try? socket.close() }

    /// Whether it has sent a byte.
    func hasSpoken() -> Bool {
        var byte: UInt8 = 0
        return recv(socket.rawValue, &byte, 1, CInt(MSG_DONTWAIT)) == 1
    }

    /// From now on it reads no more of this process, and is told so.
    func hangUp() { shutdown(socket.rawValue, CInt(SHUT_RDWR)) }

    /// Makes the request, and waits until the child has ended and is reaped. May be called once.
    func fulfil(_ request: [UInt8]) async throws -> CommandResult {
        let sent = try SystemCall.check {
            CInt(clamping: send(socket.rawValue, request, request.count, CInt(MSG_NOSIGNAL)))
        }
        // What is cut off is no request: the child ends without having done anything.
        guard sent == request.count else { throw Errno.noBufferSpace }
        return try await ended.value
    }
}

/// Keeps children of each companion waiting, once it has been used.
final class WaitingChildren: Sendable {
    /// So many are used by two calls on end, each of which maps or unmaps as well as it mounts or unmounts.
    static let number = 4
    /// How long after a use they are made up to that number.
    static let pause = Duration.seconds(1)

    private let children = Mutex<[Tool: [WaitingChild]]>([:])

    /// A child that waits, the longest first, or a new one.
    func take(_ tool: Tool, or start: () throws -> WaitingChild) throws -> WaitingChild {
        let waiting = children.withLock { children -> WaitingChild? in
            children[tool]?.removeAll { $0.handle.isClosed }
            return children[tool]?.isEmpty == false ? children[tool]?.removeFirst() : nil
        }
        return try waiting ?? start()
    }

    /// Sees to it that enough of them wait. It is only a help: what cannot be started now is started when it is needed.
    func refill(_ tool: Tool, start: () throws -> WaitingChild) {
        let missing = Self.number - children.withLock { $0[tool]?.count ?? 0 }
        for _ in 0..<max(0, missing) {
            guard let child = try? start() else { return }
            // Should others have come in between, this one ends.
            children.withLock { children in
                if children[tool, default: []].count < Self.number { children[tool, default: []].append(child) }
            }
        }
    }
}
