import NIOCore
import Synchronization

/// Told to every connection when the server drains: close once no call waits for its answer.
struct CloseWhenAnswered: Sendable {}

/// The connections and the work of one server: the shell around `DrainState`.
final class OpenWork: Sendable {
    private struct State {
        var drain = DrainState()
        var channels: [ObjectIdentifier: any Channel] = [:]
        var drained: EventLoopPromise<DrainReport>?
    }

    private let mostConnections: Int
    private let state = Mutex(State())

    init(mostConnections: Int = .max) { self.mostConnections = mostConnections }

    /// False when the server is draining, or has too many already, and the connection has to be closed.
    func connectionOpened(_ channel: any Channel) -> Bool {
        state.withLock {
            $0.channels[ObjectIdentifier(channel)] = channel
            return $0.drain.connectionOpened() && $0.channels.count <= mostConnections
        }
    }

    func connectionClosed(_ channel: any Channel) {
        finish {
            $0.channels[ObjectIdentifier(channel)] = nil
            return $0.drain.connectionClosed()
        }
    }

    func workBegan() {
        state.withLock { $0.drain.workBegan() }
    }

    func workEnded() {
        finish { $0.drain.workEnded() }
    }

    /// Lets running calls end and closes connections without one; when `timeout` has passed, closes the rest. The
    /// future is never failed; asking again gives the same one.
    @discardableResult
    func drain(timeout: Duration, on eventLoop: any EventLoop) -> EventLoopFuture<DrainReport> {
        let (promise, isFirst) = state.withLock { state in
            if let promise = state.drained { return (promise, false) }
            let promise = eventLoop.makePromise(of: DrainReport.self)
            state.drained = promise
            return (promise, true)
        }
        if isFirst { begin(timeout: timeout, on: eventLoop) }
        return promise.futureResult
    }

    /// What the drain left behind, once it has ended; nil when nobody asked for one.
    func drained() async -> DrainReport? {
        guard let future = state.withLock({ $0.drained?.futureResult }) else { return nil }
        return await withCheckedContinuation { waiter in
            future.whenSuccess { waiter.resume(returning: $0) }
        }
    }

    private func begin(timeout: Duration, on eventLoop: any EventLoop) {
        finish { $0.drain.drain() }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(CloseWhenAnswered())
        }
        eventLoop.scheduleTask(in: TimeAmount(timeout)) { self.deadlinePassed() }
    }

    private func deadlinePassed() {
        let open = channels
        finish { $0.drain.deadlinePassed() }
        for channel in open {
            channel.close(promise: nil)
        }
    }

    private var channels: [any Channel] {
        state.withLock { Array($0.channels.values) }
    }

    /// Changes the state and, when that ended the drain, tells who waits for it.
    private func finish(_ change: (inout State) -> Bool) {
        let (promise, report) = state.withLock { state in
            (change(&state) ? state.drained : nil, DrainReport(stillRunning: state.drain.work))
        }
        promise?.succeed(report)
    }
}
