import Synchronization
import Testing

@testable import DockerVolumeAPI

/// Health by small requests in the background.
@Suite("Health")
struct HealthTests {
    private let start = ContinuousClock.now

    private func history(_ steps: (inout ProbeHistory) -> Void) -> ProbeHistory {
        var history = ProbeHistory(staleAfter: .seconds(15))
        steps(&history)
        return history
    }

    @Test("D2: what has not been asked is not healthy")
    func d2NotAsked() {
        let history = history { _ in }
        #expect(!history.verdict(at: start).ok)
        #expect(history.age(at: start) == nil && history.silence(at: start) == nil)
    }

    @Test("D2: an answer counts for so long and no longer, and its age is told")
    func d2Stale() {
        let history = history { history in
            let number = history.begin(at: start, most: 4) ?? 0
            history.end(number, .answered(detail: "hello"), at: start + .seconds(1))
        }
        #expect(history.verdict(at: start + .seconds(16)) == (true, "hello"))
        #expect(history.silence(at: start + .seconds(16)) == nil)
        #expect(!history.verdict(at: start + .seconds(17)).ok)
        #expect(history.age(at: start + .seconds(17)) == .seconds(16))
        #expect(history.silence(at: start + .seconds(17)) == .seconds(16))
    }

    @Test("D2: a request that failed counts at once, and the next that is answered makes up for it")
    func d2Failed() {
        var history = history { history in
            history.end(history.begin(at: start, most: 4) ?? 0, .answered(detail: "hello"), at: start)
            history.end(history.begin(at: start, most: 4) ?? 0, .failed(why: "no answer"), at: start + .seconds(5))
        }
        #expect(history.verdict(at: start + .seconds(5)) == (false, "no answer"))
        #expect(history.silence(at: start + .seconds(5)) == .seconds(5))
        history.end(history.begin(at: start, most: 4) ?? 0, .answered(detail: "again"), at: start + .seconds(6))
        #expect(history.verdict(at: start + .seconds(6)) == (true, "again"))
    }

    @Test("D2: an older request that fails late says nothing against a newer one that was answered")
    func d2LateFailure() {
        let history = history { history in
            let (first, second) = (history.begin(at: start, most: 4) ?? 0, history.begin(at: start, most: 4) ?? 0)
            history.end(second, .answered(detail: "hello"), at: start + .seconds(2))
            history.end(first, .failed(why: "no answer"), at: start + .seconds(5))
        }
        #expect(history.verdict(at: start + .seconds(5)).ok)
    }

    @Test("D2: requests that are never answered are bounded")
    func d2Bounded() {
        var history = history { _ in }
        let begun = (0..<10).compactMap { _ in history.begin(at: start, most: 4) }
        #expect(begun.count == 4)
        history.end(begun[0], .failed(why: "no answer"), at: start)
        #expect(history.begin(at: start, most: 4) != nil)
    }

    @Test("D2: a request that hangs does not hold up the next one")
    func d2Hanging() async throws {
        let asked = Mutex(0)
        let probe = BackendProbe(.init(every: .milliseconds(5), limit: .seconds(5), staleAfter: .seconds(600))) { _ in
            let isFirst = asked.withLock { count in
                count += 1
                return count == 1
            }
            if isFirst { try await Task.sleep(for: .seconds(3600)) }
            return "hello"
        }
        let running = Task { await probe.run() }
        while !probe.component("it").ok { try await Task.sleep(for: .milliseconds(1)) }
        #expect(probe.component("it").detail == "hello" && probe.component("it").ageSeconds != nil)
        running.cancel()
        await running.value
    }
}
