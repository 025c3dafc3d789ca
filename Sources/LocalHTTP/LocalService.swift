/// What a server on a socket answers: the requests of one protocol.
///
/// Requests are taken one after the other for each connection, on its event loop: taking one must not block.
package protocol LocalService: Sendable {
    associatedtype Call: LocalCall

    /// Takes a request that has arrived as a whole.
    func take(_ request: Request) -> Taken<Call>

    /// - Parameter target: known once the head of the request was read.
    /// - Returns: what the client gets for a request that cannot be read.
    func refuse(_ fault: RequestFault, of target: RequestTarget?) -> Answer
}

/// What becomes of a request.
package enum Taken<Call: LocalCall>: Sendable {
    /// Nothing has to be done for it.
    case answered(Answer)
    case call(Call)
}

/// What a service does for one request. The client waits for it until the server's budget runs out.
package protocol LocalCall: Sendable {
    /// How the work ended.
    associatedtype Ending: Sendable

    /// Does the work. Nobody cancels it: it goes on when the client has left, and when the budget has run out.
    func perform() async -> Ending

    func answer(to ending: Ending) -> Answer

    /// What the client gets when the budget has run out before the work has.
    func timeOutAnswer(after budget: Duration) -> Answer

    /// Whether the work has done what must not stay when nobody gets the answer.
    func isUndone(unheard ending: Ending) -> Bool

    /// Takes back what the work has done.
    func undo(_ ending: Ending, because why: CallProgress.Abandonment) async

    /// Tells logs and metrics what becomes of the call. Runs on the connection's event loop.
    /// - Parameter elapsed: the time since the request was taken.
    func note(_ event: CallEvent<Ending>, after elapsed: Duration)
}

/// What becomes of a call, in the order in which it happens.
package enum CallEvent<Ending: Sendable>: Sendable {
    case workBegan
    /// The client is told so. The work goes on.
    case budgetRanOut
    /// The client has closed its connection. The work goes on.
    case clientLeft
    case workEnded(Ending)
    /// The client is told how the work ended.
    case answered(Ending)
    /// The work has ended, and nobody waits for it any more.
    case endedUnheard(CallProgress.Abandonment)
}
