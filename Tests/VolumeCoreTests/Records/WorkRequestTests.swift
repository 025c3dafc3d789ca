import Testing
import VolumeCore

/// The record of what an operator has asked for, as it stands in etcd.
@Suite struct WorkRequestTests {
    private static let rollback =
        #"{"askedBy":"operator@n1","begun":true,"node":{"boot":"b1","node":"n2"},"progress":40,"result":"it waits","#
        + #""schema":1,"since":"2026-11-27T20:00:00Z","snapshot":"monday","snapshotID":12,"state":"running","#
        + #""token":"t1","volumeUID":"u1","work":"rollback"}"#
    private static let snapshot =
        #"{"askedBy":"operator@n1","endedAt":"2026-11-27T20:00:05Z","node":{"boot":"b1","node":"n2"},"#
        + #""result":"frozen","schema":1,"since":"2026-11-27T20:00:00Z","snapshot":"s-1","snapshotToken":"t2","#
        + #""state":"done","token":"t1","volumeUID":"u1","work":"snapshot"}"#
    private static let trim =
        #"{"askedBy":"","schema":1,"since":"2026-11-27T20:00:00Z","state":"waiting","token":"t1","volumeUID":"u1","#
        + #""work":"trim"}"#

    @Test("what is read is written back, byte for byte", arguments: [rollback, snapshot, trim])
    func golden(_ text: String) throws {
        let request = try Golden.decode(WorkRequest.self, text)
        try request.check()
        #expect(try Golden.text(request) == text)
    }

    @Test("each field means what it says")
    func fields() throws {
        let request = try Golden.decode(WorkRequest.self, Self.rollback)
        #expect(request.work == .rollBack(snapshot: 12, name: "monday"))
        #expect(request.state == .running && request.hasBegun && request.progress == 40)
        #expect(request.node == NodeIdentity(node: "n2", boot: "b1") && request.result == "it waits")
        #expect(request.work.holdsVolume && request.isUnfinished && !request.isHalfDone)
        let trim = try Golden.decode(WorkRequest.self, Self.trim)
        #expect(trim.work == .trim && !trim.work.holdsVolume && trim.node == nil && !trim.hasBegun)
    }

    @Test("what newer versions have added is kept, also work that this version does not know")
    func newer() throws {
        let more = Self.trim.replacing("\"schema\"", with: "\"parent\":\"p1\",\"schema\"")
        let other = more.replacing("\"trim\"", with: "\"flatten\"")
        for text in [more, other] { #expect(try Golden.text(try Golden.decode(WorkRequest.self, text)) == text) }
        #expect(try Golden.decode(WorkRequest.self, other).work == .other("flatten"))
    }

    @Test(
        "what the plugin would not have written is not read",
        arguments: [
            ("\"progress\":40", "\"progress\":140"), ("\"token\":\"t1\"", "\"token\":\"../t\""),
            ("\"node\":\"n2\"", "\"node\":\"n 2\""), ("\"volumeUID\":\"u1\"", "\"volumeUID\":\"\""),
        ])
    func forged(_ change: (from: String, to: String)) throws {
        let request = try Golden.decode(WorkRequest.self, Self.rollback.replacing(change.from, with: change.to))
        #expect(throws: VolumeError.self) { try request.check() }
    }
}

/// Who does what is asked for, and when.
@Suite struct RequestRuleTests {
    private let now = WallTime(seconds: 1_800_000_000)
    private let me = NodeIdentity(node: "n1", boot: "b1")
    private let other = NodeIdentity(node: "n2", boot: "b1")

    private func stored(
        _ request: WorkRequest?, phase: VolumeRecord.Phase = .ready, mounted: Attachment? = nil
    ) throws -> StoredVolume {
        var volume = VolumeRecord(
            name: try VolumeName("db"), uid: "u1", phase: phase,
            spec: VolumeSpec(pool: "rbd", size: .gibibytes(1)), options: [:], createdAt: "")
        volume.imageID = "1002"
        var stored = StoredVolume(name: volume.name, volume: Revisioned(volume, revision: 1), revision: 3)
        stored.request = request.map { Revisioned($0, revision: 2) }
        stored.attachment = mounted.map { Revisioned($0, revision: 3) }
        return stored
    }

    private func request(
        _ work: RequestedWork, _ state: WorkRequest.State = .waiting, by node: NodeIdentity? = nil, uid: String = "u1"
    ) -> WorkRequest {
        var request = WorkRequest(volumeUID: uid, token: "t1", work: work, askedBy: "me", since: now)
        request.state = state
        request.node = node
        return request
    }

    private let rollBack = RequestedWork.rollBack(snapshot: 1, name: "s")

    private func mount(_ owner: NodeIdentity, _ state: Attachment.State = .attached) -> Attachment {
        Attachment(volumeUID: "u1", owner: owner, epoch: Epoch.none.next, state: state, since: "")
    }

    private func isWorked(_ stored: StoredVolume, nodeIsAlive: Bool = true) -> Bool {
        if case .work(let taken) = RequestRule.decide(stored, me: me, nodeIsAlive: nodeIsAlive, at: now) {
            return taken.node == me && taken.state == .running
        }
        return false
    }

    @Test("a rollback is any node's, of a volume that nobody has; not of a living node that is at it")
    func rollBacks() throws {
        #expect(isWorked(try stored(request(rollBack))))
        #expect(!isWorked(try stored(request(rollBack), mounted: mount(me))))
        #expect(!isWorked(try stored(request(rollBack), phase: .removing)))
        #expect(!isWorked(try stored(request(rollBack, .running, by: other))))
        #expect(isWorked(try stored(request(rollBack, .running, by: other)), nodeIsAlive: false))
        #expect(isWorked(try stored(request(rollBack, .running, by: me))))
        #expect(isWorked(try stored(request(rollBack, .running, by: NodeIdentity(node: "n1", boot: "b0")))))
    }

    @Test("a trim is of the node that has the volume mounted; without one it ends")
    func trims() throws {
        #expect(isWorked(try stored(request(.trim), mounted: mount(me))))
        #expect(!isWorked(try stored(request(.trim), mounted: mount(other))))
        #expect(!isWorked(try stored(request(.trim), mounted: mount(me, .detaching))))
        guard
            case .end(let ended) = RequestRule.decide(
                try stored(request(.trim)), me: me, nodeIsAlive: true, at: now)
        else { return #expect(Bool(false), "a trim of a volume that is not mounted goes on") }
        #expect(ended.state == .failed && ended.endedAt == now)
    }

    @Test("a request of another incarnation of the volume, and one whose hour is over, is cleared away")
    func cleared() throws {
        #expect(RequestRule.decide(try stored(request(.trim, uid: "u0")), me: me, nodeIsAlive: true, at: now) == .clear)
        let ended = request(rollBack, .running, by: me).done("well", at: now)
        #expect(RequestRule.decide(try stored(ended), me: me, nodeIsAlive: true, at: now) == .nothing)
        let later = now + RequestRule.kept
        #expect(RequestRule.decide(try stored(ended), me: me, nodeIsAlive: true, at: later) == .clear)
        #expect(RequestRule.decide(try stored(ended), me: other, nodeIsAlive: true, at: later) == .nothing)
    }

    @Test("a version that knows nothing of requests is told to leave a held volume alone, for as long as it is held")
    func olderVersions() throws {
        let free = try stored(nil)
        let asked = RequestRule.change(request(rollBack), of: free).applied(to: free, at: 4)
        #expect(asked.volume?.record.stamp.schema == 2 && asked.volume?.record.heldFor == "t1")
        let text = try Golden.text(try #require(asked.volume?.record))
        #expect(text.contains("\"heldFor\":\"t1\"") && text.contains("\"schema\":2"))
        #expect(try Golden.decode(VolumeRecord.self, text) == asked.volume?.record)
        var ended = request(rollBack, .running, by: me).failed("gone", at: now)
        #expect(RequestRule.change(ended, of: asked).applied(to: asked, at: 5).volume?.record.stamp.schema == 1)
        ended.hasBegun = true
        #expect(RequestRule.change(ended, of: asked).applied(to: asked, at: 5).volume?.record.stamp.schema == 2)
        #expect(RequestRule.change(nil, of: asked).applied(to: asked, at: 5).volume?.record == free.volume?.record)
        #expect(RequestRule.change(request(.trim), of: free).volume == .keep)
    }

    @Test("what only a newer version can do is left to it, and holds the volume where that version says so")
    func newerWork() throws {
        let unknown = request(.other("flatten"), .running, by: other)
        var free = try stored(unknown)
        #expect(RequestRule.decide(free, me: me, nodeIsAlive: false, at: now + .seconds(1 << 30)) == .nothing)
        #expect(RequestRule.holding(free) == nil)
        #expect(throws: VolumeError.self) { try RequestRule.remove(free) }
        #expect(throws: VolumeError.self) { try RequestRule.ask(.trim, of: free, token: "t2", by: "me", at: now) }
        free.volume?.record.heldFor = "t1"
        #expect(RequestRule.holding(free) == unknown)
        #expect(throws: VolumeError.self) { try RequestRule.refuseWhileHeld(free, "mount volume db") }
    }

    @Test("one that has failed half-way holds the volume for ever, and only another rollback takes its place")
    func halfDone() throws {
        var failed = request(rollBack, .running, by: me).failed("gone", at: now)
        #expect(RequestRule.holding(try stored(failed)) == nil)
        failed.hasBegun = true
        let held = try stored(failed)
        #expect(RequestRule.holding(held) != nil)
        #expect(RequestRule.decide(held, me: me, nodeIsAlive: true, at: now + .seconds(1 << 30)) == .nothing)
        #expect(throws: VolumeError.self) { try RequestRule.ask(.trim, of: held, token: "t2", by: "me", at: now) }
        #expect(try RequestRule.ask(rollBack, of: held, token: "t2", by: "me", at: now).token == "t2")
        try RequestRule.remove(held)
    }
}
