import LocalHTTP
import NIOCore

/// A call between its request and the end of its work. Belongs to its connection's event loop.
final class ActiveCall {
    let work: Work
    let exchange: Exchange
    var progress = CallProgress()
    var budgetTimer: Scheduled<Void>?
    private let began = ContinuousClock.now

    init(work: Work, exchange: Exchange) {
        self.work = work
        self.exchange = exchange
    }

    var elapsed: Duration { ContinuousClock.now - began }
}
