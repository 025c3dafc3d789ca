import LocalHTTP
import Logging
import NIOCore
import NIOHTTP1

/// One connection: takes requests one at a time, in order, and sees to it that each call ends in one way only.
///
/// Everything here happens on the connection's event loop; the plugin works elsewhere and its result comes back here.
/// `HTTPServerPipelineHandler` in front of it holds later requests back until this one is answered.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: ServerContext
    private var assembly: RequestAssembly
    /// The call whose answer the client waits for.
    private var current: ActiveCall?
    /// A complete request has been taken and not been answered yet.
    private var isAnswering = false
    /// The client has said its last word, a refused request has been read to its end, or the server is draining.
    private var closeWhenAnswered = false
    /// Counts requests, so that a reply knows whether another request has begun since.
    private var requests = 0
    /// A mount whose reply was sent and which is the last thing that happened here.
    private var lastMount: MountClaim?

    init(server: ServerContext) {
        self.server = server
        assembly = RequestAssembly(limit: server.maximumBodySize)
    }

    // MARK: The connection

    func channelActive(context: ChannelHandlerContext) {
        if !server.open.connectionOpened(context.channel) { context.close(promise: nil) }
        context.fireChannelActive()
    }

    /// The client has closed both directions, or this side has.
    func channelInactive(context: ChannelHandlerContext) {
        if let call = current, call.progress.clientLeft() {
            call.budgetTimer?.cancel()
            count(call, .abandoned)
            log(call).info("client left before its call ended")
        }
        current = nil
        server.open.connectionClosed(context.channel)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // The client will send no more but may well wait for its answer.
        case ChannelEvent.inputClosed, is CloseWhenAnswered: closeSoon(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as HTTPParserError: perform(assembly.broken("\(error)"), context)
        default:
            // A reset on a unix socket says that the client closed without reading what it had been sent.
            if let mount = lastMount {
                lastMount = nil
                undo(mount, because: .replyLost)
            }
            context.close(promise: nil)
        }
    }

    private func closeSoon(_ context: ChannelHandlerContext) {
        closeWhenAnswered = true
        if !isAnswering { context.close(promise: nil) }
    }

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            requests += 1
            lastMount = nil
            perform(assembly.head(head), context)
        case .body(let part): perform(assembly.body(part), context)
        case .end: perform(assembly.end(), context)
        }
    }

    private func perform(_ step: RequestAssembly.Step, _ context: ChannelHandlerContext) {
        switch step {
        case .wait: break
        case .close: closeSoon(context)
        case .sendContinue:
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
        case .refuse(let refusal, let exchange): refuse(refusal, exchange, context)
        case .dispatch(let route, let body, let exchange): dispatch(route, body, exchange, context)
        }
    }

    private func dispatch(_ route: Route, _ body: ByteBuffer, _ exchange: Exchange, _ context: ChannelHandlerContext) {
        switch route {
        case .operation(.activate): answerAtOnce(.activate, .activated, exchange, context)
        case .operation(.capabilities): answerAtOnce(.capabilities, .capabilities(server.scope), exchange, context)
        case .health: run(.health, exchange, context)
        case .metrics: run(.metrics, exchange, context)
        case .operation(let operation):
            do throws(BadRequest) {
                guard let request = try VolumeRequest(operation, body: body.readableBytesView) else { return }
                run(.volume(operation, request), exchange, context)
            } catch {
                refuse(.badRequest(error), exchange, context)
            }
        }
    }

    private func answerAtOnce(
        _ operation: Operation, _ reply: Reply, _ exchange: Exchange, _ context: ChannelHandlerContext
    ) {
        server.metrics.answered(operation, .ok, after: .zero)
        answerInTurn(.reply(reply), exchange, context)
    }

    private func refuse(_ refusal: Refusal, _ exchange: Exchange, _ context: ChannelHandlerContext) {
        if let operation = refusal.operation { server.metrics.answered(operation, .invalid) }
        server.logger.info("refused a request", metadata: [LogKey.error: LogKey.shortened(refusal.text)])
        answerInTurn(refusal.answer, exchange, context)
    }

    /// Answers from a fresh turn of the event loop: a reply lets the next pipelined request in, and thousands of them
    /// must not pile up on one stack.
    private func answerInTurn(_ answer: Answer, _ exchange: Exchange, _ context: ChannelHandlerContext) {
        isAnswering = true
        context.eventLoop.assumeIsolated().execute {
            self.answer(answer, exchange, context)
        }
    }

    // MARK: The call

    private func run(_ work: Work, _ exchange: Exchange, _ context: ChannelHandlerContext) {
        let call = ActiveCall(work: work, exchange: exchange)
        isAnswering = true
        current = call
        server.open.workBegan()
        work.operation.map(server.metrics.workBegan)
        call.budgetTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(server.budget)) {
            self.budgetRanOut(call, context)
        }
        let (caller, eventLoop) = (server.caller, context.eventLoop)
        let bound = NIOLoopBound((handler: self, call: call, context: context), eventLoop: eventLoop)
        Task {
            let completion = await caller.perform(work)
            eventLoop.execute {
                let (handler, call, context) = bound.value
                handler.workEnded(call, completion, context)
            }
        }
    }

    private func budgetRanOut(_ call: ActiveCall, _ context: ChannelHandlerContext) {
        guard call.progress.budgetRanOut() else { return }
        current = nil
        count(call, .timeout)
        log(call).warning("call still runs after its budget; it goes on in the background")
        answer(call.work.timeOutAnswer(after: server.budget), call.exchange, context)
    }

    private func workEnded(_ call: ActiveCall, _ completion: Completion, _ context: ChannelHandlerContext) {
        call.budgetTimer?.cancel()
        call.work.operation.map(server.metrics.workEnded)
        log(completion, of: call)
        switch call.progress.workEnded() {
        case .answer:
            current = nil
            count(call, completion.outcome)
            answer(completion.answer, call.exchange, context).assumeIsolated().whenComplete {
                self.replySent($0, completion, context)
            }
        case .late(let why):
            log(call).notice("call ended with nobody waiting for it", metadata: [LogKey.why: "\(why.rawValue)"])
            if let mount = completion.mounted { undo(mount, because: why) }
            server.open.workEnded()
        }
    }

    private func undo(_ mount: MountClaim, because why: CallProgress.Abandonment) {
        server.open.workBegan()
        Task { [server] in await server.undo(mount, because: why) }
    }

    // MARK: The reply

    @discardableResult
    private func answer(
        _ answer: Answer, _ exchange: Exchange, _ context: ChannelHandlerContext
    ) -> EventLoopFuture<RequestNumber> {
        let number = RequestNumber(value: requests)
        isAnswering = false
        switch answer {
        case .hangUp: return context.close().map { number }
        case .reply(let reply): return write(reply, exchange, context).map { number }
        }
    }

    private func write(
        _ reply: Reply, _ exchange: Exchange, _ context: ChannelHandlerContext
    ) -> EventLoopFuture<Void> {
        let keepAlive = exchange.keepAlive && !closeWhenAnswered
        // While a refused request is still being sent, closing would take the refusal away from the client. Decided
        // before writing, because writing the end lets the next pipelined request in.
        let closes = closeWhenAnswered || (!keepAlive && assembly.isIdle)
        context.write(Self.wrapOutboundOut(.head(reply.head(for: exchange, keepAlive: keepAlive))), promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
        let sent = context.writeAndFlush(Self.wrapOutboundOut(.end(nil)))
        if closes { sent.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
        return sent
    }

    private func replySent(
        _ result: Result<RequestNumber, any Error>, _ completion: Completion, _ context: ChannelHandlerContext
    ) {
        if let mount = completion.mounted {
            switch result {
            case .success(let number) where number.value == requests: lastMount = mount
            case .success: break
            case .failure: undo(mount, because: .replyLost)
            }
        }
        server.open.workEnded()
    }

    // MARK: What is told about it

    private func count(_ call: ActiveCall, _ outcome: OperationOutcome) {
        guard let operation = call.work.operation else { return }
        server.metrics.answered(operation, outcome, after: call.elapsed)
    }

    private func log(_ call: ActiveCall) -> Logger {
        var logger = server.logger
        logger[metadataKey: LogKey.operation] = call.work.operation.map { "\($0.rawValue)" }
        logger[metadataKey: LogKey.volume] = call.work.volume.map(LogKey.shortened)
        return logger
    }

    /// Docker asks about volumes of other drivers all the time: a Get that finds nothing is no event.
    private func log(_ completion: Completion, of call: ActiveCall) {
        guard let failure = completion.failure else { return log(call).debug("call done") }
        let isExpected = call.work.operation == .get && completion.answer != .hangUp
        log(call).log(level: isExpected ? .debug : .warning, "call failed", metadata: [LogKey.error: "\(failure)"])
    }
}

/// Which request of its connection a reply belongs to.
private struct RequestNumber: Sendable {
    let value: Int
}

extension Reply {
    fileprivate func head(for exchange: Exchange, keepAlive: Bool) -> HTTPResponseHead {
        var headers = HTTPHeaders([("Content-Type", contentType), ("Content-Length", "\(body.count)")])
        if let allow { headers.add(name: "Allow", value: allow.rawValue) }
        if !keepAlive {
            headers.add(name: "Connection", value: "close")
        } else if exchange.version == .http1_0 {
            headers.add(name: "Connection", value: "keep-alive")
        }
        return HTTPResponseHead(version: exchange.version, status: status, headers: headers)
    }
}
