import Testing

@testable import EtcdClient

/// What each message of a watch means, and where the watch goes on after it.
@Suite struct WatchProgressTests {
    private func header(_ revision: Int, cluster: Int = 1) -> String {
        #""header":{"cluster_id":"\#(cluster)","member_id":"2","revision":"\#(revision)","raft_term":"3"}"#
    }

    private func receive(_ json: String, _ progress: inout WatchProgress) throws -> WatchProgress.Step {
        try progress.receive(WireJSON.decode(WireWatchResponse.self, from: Array(json.utf8)))
    }

    private func event(_ revision: Int) -> String {
        #"{"kv":{"key":"YQ==","create_revision":"1","mod_revision":"\#(revision)","version":"2"}}"#
    }

    @Test func aWatchFromNowGoesOnFromTheRevisionOfItsCreation() throws {
        var progress = WatchProgress(from: nil)
        #expect(try receive("{\(header(5)),\"created\":true}", &progress) == .tell([.connected(revision: 5)]))
        #expect(progress.nextRevision == 6)
    }

    @Test func aWatchFromARevisionKeepsIt() throws {
        var progress = WatchProgress(from: 3)
        _ = try receive("{\(header(50)),\"created\":true}", &progress)
        #expect(progress.nextRevision == 3, "what happened since has yet to come")
    }

    /// While a watch catches up, the header has the store's revision: going on from that would lose events.
    @Test func itGoesOnAfterTheLastEventNotAfterTheHeader() throws {
        var progress = WatchProgress(from: 3)
        _ = try receive("{\(header(50)),\"created\":true}", &progress)
        let step = try receive("{\(header(50)),\"events\":[\(event(3)),\(event(4))]}", &progress)
        guard case .tell(let elements) = step, case .events(let events, let revision) = elements[0] else {
            Issue.record("no events: \(step)")
            return
        }
        #expect(events.map(\.revision) == [3, 4])
        #expect(revision == 4)
        #expect(progress.nextRevision == 5)
    }

    @Test func progressMovesIt() throws {
        var progress = WatchProgress(from: 3)
        #expect(try receive("{\(header(9))}", &progress) == .tell([.progress(revision: 9)]))
        #expect(progress.nextRevision == 10)
        #expect(try receive("{\(header(8))}", &progress) == .tell([]), "never back")
        #expect(progress.nextRevision == 10)
    }

    @Test func eventsTellPutsFromDeletions() throws {
        var progress = WatchProgress(from: 1)
        let json = #"""
            {\#(header(9)),"events":[
            {"kv":{"key":"YQ==","create_revision":"8","mod_revision":"8","version":"1","value":"Yg=="}},
            {"type":"DELETE","kv":{"key":"YQ==","mod_revision":"9"},
             "prev_kv":{"key":"YQ==","create_revision":"8","mod_revision":"8","version":"1","value":"Yg=="}}]}
            """#
        let kv = KeyValue(keyBytes: [0x61], value: [0x62], createRevision: 8, modRevision: 8, version: 1)
        #expect(
            try receive(json, &progress)
                == .tell([
                    .events(
                        [
                            WatchEvent(keyBytes: [0x61], revision: 8, change: .put(kv)),
                            WatchEvent(keyBytes: [0x61], revision: 9, change: .delete, previous: kv),
                        ], revision: 9)
                ]))
    }

    @Test(arguments: [
        #"{"type":"MOVE","kv":{"key":"YQ==","create_revision":"8","mod_revision":"8","version":"1"}}"#,
        #"{"kv":{"key":"YQ==","mod_revision":"8"}}"#,
        #"{"kv":{"key":"YQ==","create_revision":"8","mod_revision":"2","version":"1"}}"#,
    ])
    func eventsThatMakeNoSenseAreAViolation(_ event: String) {
        var progress = WatchProgress(from: 5)
        #expect(throws: WireViolation.self) {
            try receive("{\(header(9)),\"events\":[\(event)]}", &progress)
        }
    }

    @Test func compactionEndsIt() throws {
        var progress = WatchProgress(from: 2)
        let json = #"{"header":{"cluster_id":"1","member_id":"2"},"canceled":true,"compact_revision":"3"}"#
        #expect(try receive(json, &progress) == .compacted(revision: 3))
    }

    @Test func aRefusalComesWithItsReason() throws {
        var progress = WatchProgress(from: 2)
        let json =
            #"{\#(header(5)),"watch_id":"-1","created":true,"canceled":true,"cancel_reason":"rpc error: code = PermissionDenied desc = etcdserver: permission denied"}"#
        let refusal = ServerRefusal(grpcCode: 7, message: "etcdserver: permission denied")
        #expect(try receive(json, &progress) == .refused(refusal))
    }

    @Test func anotherClusterHasAnotherHistory() throws {
        var progress = WatchProgress(from: 2)
        _ = try receive("{\(header(5)),\"created\":true}", &progress)
        let step = try receive("{\(header(90, cluster: 2)),\"created\":true}", &progress)
        #expect(step == .replaced(revision: 90))
    }

    @Test func aStoreThatEndsBeforeWhatWasSeenIsSuspicious() throws {
        var progress = WatchProgress(from: 8)
        #expect(
            try receive("{\(header(7)),\"created\":true}", &progress) == .tell([.connected(revision: 7)]),
            "all of it has been seen: nothing is missing")
        #expect(
            try receive("{\(header(6)),\"created\":true}", &progress) == .behind(.connected(revision: 6)))
    }
}
