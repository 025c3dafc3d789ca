import NIOCore
import NIOHTTP1

/// One connection: takes requests one at a time, in order, and sees to it that each call ends in one way only.
///
/// Everything here happens on the connection's event loop; the service works elsewhere and its result comes back here.
/// `HTTPServerPipelineHandler` in front of it holds later requests back until this one is answered.
final class ConnectionHandler<Service: LocalService>: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: ServerContext<Service>
    private var assembly: RequestAssembly
    /// The call whose answer the client waits for.
    private var current: ActiveCall<Service.Call>?
    /// A complete request has been taken and not been answered yet.
    private var isAnswering = false
    /// The client has said its last word, a refused request has been read to its end, or the server is draining.
    private var closeWhenAnswered = false
    /// Replies that the kernel has not taken yet: a client may read late. Closing would take them away from it.
    private var unsent = 0
    /// Counts requests, so that a reply knows whether another request has begun since.
    private var requests = 0
    /// A call that is undone when nobody gets its reply. That was sent, and nothing has happened here since.
    private var lastUndoable: (call: Service.Call, ending: Service.Call.Ending)?

    init(server: ServerContext<Service>) {
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
            call.note(.clientLeft)
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
            if let last = lastUndoable {
                lastUndoable = nil
                undo(last.call, last.ending, because: .replyLost)
            }
            context.close(promise: nil)
        }
    }

    private func closeSoon(_ context: ChannelHandlerContext) {
        closeWhenAnswered = true
        closeIfDone(context)
    }

    private func closeIfDone(_ context: ChannelHandlerContext) {
        if closeWhenAnswered, !isAnswering, unsent == 0 { context.close(promise: nil) }
    }

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            requests += 1
            lastUndoable = nil
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
        case .refuse(let fault, let target, let exchange):
            answerInTurn(server.service.refuse(fault, of: target), exchange, context)
        case .dispatch(let target, let body, let exchange):
            let request = Request(
                target: target, body: Array(body.readableBytesView), authorization: exchange.authorization)
            switch server.service.take(request) {
            case .answered(let answer): answerInTurn(answer, exchange, context)
            case .call(let call): run(call, exchange, context)
            }
        }
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

    private func run(_ work: Service.Call, _ exchange: Exchange, _ context: ChannelHandlerContext) {
        let call = ActiveCall(work, exchange: exchange)
        isAnswering = true
        current = call
        server.open.workBegan()
        call.note(.workBegan)
        let budget = server.budget.now
        call.budgetTimer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(budget)) {
            self.budgetRanOut(call, after: budget, context)
        }
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound((handler: self, call: call, context: context), eventLoop: eventLoop)
        Task {
            let ending = await work.perform()
            eventLoop.execute {
                let (handler, call, context) = bound.value
                handler.workEnded(call, ending, context)
            }
        }
    }

    private func budgetRanOut(
        _ call: ActiveCall<Service.Call>, after budget: Duration, _ context: ChannelHandlerContext
    ) {
        guard call.progress.budgetRanOut() else { return }
        current = nil
        call.note(.budgetRanOut)
        answer(call.call.timeOutAnswer(after: budget), call.exchange, context)
    }

    private func workEnded(
        _ call: ActiveCall<Service.Call>, _ ending: Service.Call.Ending, _ context: ChannelHandlerContext
    ) {
        call.budgetTimer?.cancel()
        call.note(.workEnded(ending))
        switch call.progress.workEnded() {
        case .answer:
            current = nil
            call.note(.answered(ending))
            answer(call.call.answer(to: ending), call.exchange, context).assumeIsolated().whenComplete {
                self.replySent($0, call.call, ending)
            }
        case .late(let why):
            call.note(.endedUnheard(why))
            if call.call.isUndone(unheard: ending) { undo(call.call, ending, because: why) }
            server.open.workEnded()
        }
    }

    private func undo(_ call: Service.Call, _ ending: Service.Call.Ending, because why: CallProgress.Abandonment) {
        server.open.workBegan()
        Task { [open = server.open] in
            await call.undo(ending, because: why)
            open.workEnded()
        }
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
        unsent += 1
        context.write(Self.wrapOutboundOut(.head(reply.head(for: exchange, keepAlive: keepAlive))), promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
        let sent = context.writeAndFlush(Self.wrapOutboundOut(.end(nil)))
        sent.assumeIsolated().whenComplete { _ in
            self.unsent -= 1
            if closes { context.close(promise: nil) } else { self.closeIfDone(context) }
        }
        return sent
    }

    private func replySent(
        _ result: Result<RequestNumber, any Error>, _ call: Service.Call, _ ending: Service.Call.Ending
    ) {
        if call.isUndone(unheard: ending) {
            switch result {
            case .success(let number) where number.value == requests: lastUndoable = (call, ending)
            case .success: break
            case .failure: undo(call, ending, because: .replyLost)
            }
        }
        server.open.workEnded()
    }
}

/// Which request of its connection a reply belongs to.
private struct RequestNumber: Sendable {
    let value: Int
}

extension Reply {
    fileprivate func head(for exchange: Exchange, keepAlive: Bool) -> HTTPResponseHead {
        var headers = HTTPHeaders([("Content-Type", contentType), ("Content-Length", "\(body.count)")])
        if let allow { headers.add(name: "Allow", value: allow) }
        if let challenge { headers.add(name: "WWW-Authenticate", value: challenge) }
        if !keepAlive {
            headers.add(name: "Connection", value: "close")
        } else if exchange.version == .http1_0 {
            headers.add(name: "Connection", value: "keep-alive")
        }
        return HTTPResponseHead(
            version: exchange.version, status: HTTPResponseStatus(statusCode: status.rawValue), headers: headers)
    }
}
