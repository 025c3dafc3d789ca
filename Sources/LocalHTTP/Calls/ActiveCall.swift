import NIOCore

/// A call between its request and the end of its work. Belongs to its connection's event loop.
final class ActiveCall<Call: LocalCall> {
    let call: Call
    let exchange: Exchange
    var progress = CallProgress()
    var budgetTimer: Scheduled<Void>?
    private let began = ContinuousClock.now

    init(_ call: Call, exchange: Exchange) {
        self.call = call
        self.exchange = exchange
    }

    /// Tells logs and metrics.
    func note(_ event: CallEvent<Call.Ending>) {
        call.note(event, after: ContinuousClock.now - began)
    }
}
