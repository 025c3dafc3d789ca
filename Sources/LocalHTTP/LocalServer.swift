import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A service on a unix socket, or on a TCP port.
///
/// `start()` binds and serves, `drain(timeout:)` ends it, `run()` does the first and waits for the second. A server can
/// be started once.
package final class LocalServer<Service: LocalService>: Sendable {
    /// What a server has while it serves.
    private struct Serving {
        let channel: any Channel
        /// `nil` for a TCP port.
        let file: SocketFile?
        let timers: EarlyTimers
    }

    private enum Lifecycle {
        case new
        case starting
        case serving(Serving)
        /// Drained before it served, or while it was about to.
        case calledOff
        case stopped
    }

    private let endpoint: Endpoint
    private let server: ServerContext<Service>
    private let logger: Logger
    private let group = MultiThreadedEventLoopGroup.singleton
    private let lifecycle = Mutex(Lifecycle.new)

    /// - Parameters:
    ///   - budget: how long a client waits for one call at most.
    ///   - maximumBodySize: in bytes.
    package init(
        endpoint: Endpoint, budget: Duration, maximumBodySize: Int, service: Service, logger: Logger
    ) {
        self.endpoint = endpoint
        self.logger = logger
        server = ServerContext(
            service: service, budget: CallBudget(budget), maximumBodySize: maximumBodySize,
            open: OpenWork(mostConnections: endpoint.mostConnections))
    }

    /// - Parameter socketPath: at most 107 bytes. Its folder is made when it is missing.
    package convenience init(
        socketPath: String, budget: Duration, maximumBodySize: Int, service: Service, logger: Logger
    ) {
        self.init(
            endpoint: .unix(path: socketPath), budget: budget, maximumBodySize: maximumBodySize, service: service,
            logger: logger)
    }

    /// Calls that begin from now on have so long.
    package func changeBudget(to budget: Duration) { server.budget.change(to: budget) }

    /// Binds the socket; from then on clients are served. Throws `SocketError`.
    package func start() async throws {
        guard try await listen() != nil else {
            throw SocketError(path: "\(endpoint)", reason: "the server was already started or drained")
        }
    }

    /// Starts, and returns once the server has been drained, which may have been before. Throws when the socket cannot be
    /// made or fails later.
    ///
    /// Cancelling the task closes the server without waiting for the running calls, which go on to their ends.
    package func run() async throws {
        _ = try await listen()
        try await serveUntilDrained()
    }

    /// Returns once a server that was started has been drained. Throws when its socket fails.
    ///
    /// Cancelling the task closes the server without waiting for the running calls, which go on to their ends.
    package func serveUntilDrained() async throws {
        let channel = lifecycle.withLock { state in
            if case .serving(let serving) = state { serving.channel } else { nil as (any Channel)? }
        }
        try await withTaskCancellationHandler {
            try await channel?.closeFuture.get()
            guard await server.open.drained() != nil else {
                throw SocketError(path: "\(endpoint)", reason: "the socket was closed unexpectedly")
            }
        } onCancel: {
            Task { await drain(timeout: .zero) }
        }
    }

    /// Removes the socket file, accepts nobody any more, closes connections without a running call, and waits until the
    /// running calls and those that went on in the background have ended, `timeout` at most.
    @discardableResult
    package func drain(timeout: Duration) async -> DrainReport {
        // Before the server counts as stopped: who waits for its end must find that somebody has asked for it.
        server.open.drain(timeout: timeout, on: group.any())
        let serving: Serving? = lifecycle.withLock { state in
            switch state {
            case .new, .starting, .calledOff:
                state = .calledOff
                return nil
            case .serving(let serving):
                state = .stopped
                return serving
            case .stopped: return nil
            }
        }
        if let serving {
            serving.file?.remove()
            serving.channel.close(promise: nil)
            await serving.timers.end()
        }
        return await server.open.drained() ?? DrainReport(stillRunning: 0)
    }

    /// - Returns: `nil` when the server was drained before it served: there is nothing to do then.
    private func listen() async throws -> (any Channel)? {
        let isCalledOff = try lifecycle.withLock { state in
            switch state {
            case .new:
                state = .starting
                return false
            case .calledOff: return true
            case .starting, .serving, .stopped:
                throw SocketError(path: "\(endpoint)", reason: "the server was already started or drained")
            }
        }
        if isCalledOff { return nil }
        let timers = EarlyTimers()
        do {
            let channel = try await serve(timers)
            if channel != nil { logger.info("listening", metadata: ["socket": "\(endpoint)"]) }
            return channel
        } catch {
            lifecycle.withLock { $0 = .stopped }
            await timers.end()
            throw error
        }
    }

    /// Clients are let in from here on. Who calls right after one was answered may be faster than this function's return:
    /// a drain can come before the server knows that it serves.
    private func serve(_ timers: EarlyTimers) async throws -> (any Channel)? {
        switch endpoint {
        case .unix(let path):
            let (descriptor, file) = try SocketFile.listen(path: path)
            return try await serve(file, timers) { try await makeChannel(on: descriptor) }
        case .tcp(let host, let port): return try await serve(nil, timers) { try await makeChannel(host, port) }
        }
    }

    private func serve(
        _ file: SocketFile?, _ timers: EarlyTimers, _ makeChannel: () async throws -> any Channel
    ) async throws -> (any Channel)? {
        do {
            let channel = try await makeChannel()
            let isWanted = lifecycle.withLock { state in
                guard case .starting = state else { return false }
                state = .serving(Serving(channel: channel, file: file, timers: timers))
                return true
            }
            guard isWanted else {
                file?.remove()
                try? await channel.close()
                await timers.end()
                return nil
            }
            return channel
        } catch {
            file?.remove()
            throw error
        }
    }

    private func makeChannel(on descriptor: CInt) async throws -> any Channel {
        let channel = try await bootstrap().withBoundSocket(descriptor).get()
        // NIO has set a backlog of its own.
        Glibc.listen(descriptor, SocketFile.backlog)
        return channel
    }

    private func makeChannel(_ host: String, _ port: Int) async throws -> any Channel {
        do {
            return try await bootstrap()
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(to: SocketAddress(ipAddress: host, port: port)).get()
        } catch {
            throw SocketError(path: "\(endpoint)", reason: "\(error)")
        }
    }

    private func bootstrap() -> ServerBootstrap {
        let (server, longestIdle) = (server, endpoint.longestIdle)
        return ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Without it, a lack of file descriptors makes the accept loop spin.
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let longestIdle {
                        try pipeline.addHandlers(
                            IdleStateHandler(allTimeout: TimeAmount(longestIdle)), IdleConnectionHandler())
                    }
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: false)
                    try pipeline.addHandler(ConnectionHandler(server: server))
                }
            }
    }
}
