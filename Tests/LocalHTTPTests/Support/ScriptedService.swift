import LocalHTTP
import Synchronization

/// A service that remembers what happened and shows in each answer what was asked: `/path body`.
///
/// `/at-once` is answered without a call. What `/claim` does is undone when nobody gets its answer.
final class ScriptedService: LocalService {
    /// What a call does before it is answered; nothing unless a test says otherwise.
    struct Script: Sendable {
        var work: @Sendable (_ path: String) async -> Void = { _ in }
        var undo: @Sendable () async -> Void = {}
    }

    enum Event: Equatable, Sendable {
        case refused
        case began(String), ranOut(String), clientLeft(String), ended(String), answered(String), unheard(String)
        case undone(String, CallProgress.Abandonment)
    }

    private let script: Script
    private let recorded = Mutex<[Event]>([])

    init(_ script: Script = Script()) { self.script = script }

    var events: [Event] { recorded.withLock { $0 } }

    /// Waits until that has happened. Throws when the test's time is up.
    func until(_ event: Event) async throws {
        while !events.contains(event) { try await Task.sleep(for: .milliseconds(2)) }
    }

    fileprivate func record(_ event: Event) { recorded.withLock { $0.append(event) } }

    func take(_ request: Request) -> Taken<ScriptedCall> {
        if request.target.uri == "/at-once" { return .answered(Self.reply("at once")) }
        return .call(
            ScriptedCall(
                path: request.target.uri, body: String(decoding: request.body, as: UTF8.self), script: script,
                service: self))
    }

    func refuse(_ fault: RequestFault, of target: RequestTarget?) -> Answer {
        record(.refused)
        return switch fault {
        case .tooLarge: Self.reply("\(fault)", .payloadTooLarge)
        case .notHTTP: Self.reply("\(fault)", .badRequest)
        }
    }

    static func reply(_ text: String, _ status: Reply.Status = .ok) -> Answer {
        .reply(Reply(status: status, contentType: "text/plain", body: Array(text.utf8)))
    }
}

struct ScriptedCall: LocalCall {
    let path: String
    let body: String
    let script: ScriptedService.Script
    let service: ScriptedService

    func perform() async -> String {
        await script.work(path)
        return "\(path) \(body)"
    }

    func answer(to ending: String) -> Answer { ScriptedService.reply(ending) }

    func timeOutAnswer(after budget: Duration) -> Answer {
        ScriptedService.reply("still running", .serviceUnavailable)
    }

    func isUndone(unheard ending: String) -> Bool { path == "/claim" }

    func undo(_ ending: String, because why: CallProgress.Abandonment) async {
        await script.undo()
        service.record(.undone(path, why))
    }

    func note(_ event: CallEvent<String>, after elapsed: Duration) {
        switch event {
        case .workBegan: service.record(.began(path))
        case .budgetRanOut: service.record(.ranOut(path))
        case .clientLeft: service.record(.clientLeft(path))
        case .workEnded: service.record(.ended(path))
        case .answered: service.record(.answered(path))
        case .endedUnheard: service.record(.unheard(path))
        }
    }
}
