import ClusterStatus
import Testing
import VolumeCore

@Suite struct TroubleTests {
    @Test("Where all is well there is no trouble, whatever is under way")
    func well() throws {
        var scene = Scene()
        #expect(scene.codes == [] && scene.status.isWell)
        try scene.add("a") { $0.attachment = Scene.mount(by: Scene.first) }
        try scene.add("b") { $0.attachment = Scene.mount(by: Scene.second, .detaching) }
        try scene.add("c") { $0.request = Scene.request(.trim, .running) }
        try scene.add("d") {
            $0.volume?.record.phase = .creating
            $0.volume?.record.attempt = .init(by: Scene.first, token: "t")
        }
        try scene.add("e") { $0.volume?.record.phase = .removing }
        #expect(scene.codes == [])
        #expect(scene.status.conclusion == "Nothing is wrong.")
    }

    @Test("A backend that does not answer is told with its reason, and nothing is claimed of what it would have said")
    func silentBackends() {
        var scene = Scene()
        scene.seen.etcd = .silent(reason: "no answer in time")
        scene.seen.records = nil
        #expect(scene.codes == [.etcdSilent])
        #expect(scene.status.troubles[0].what.contains("no answer in time"))
        #expect(scene.status.nodes == nil && scene.status.volumes == nil && scene.status.unfinished == nil)
        scene = Scene()
        scene.seen.ceph = .silent(reason: "rados_connect failed")
        scene.seen.fsid = nil
        #expect(scene.codes == [.cephSilent] && scene.status.nodes?.count == 2)
        scene = Scene()
        scene.seen.cephErrors = ["OSD_FULL: 1 full osd(s)"]
        #expect(scene.codes == [.cephError] && scene.status.conclusion == "1 thing wrong.")
    }

    @Test("Records of another cluster are told, and those that no cluster has claimed are not")
    func otherCluster() {
        var scene = Scene()
        scene.seen.fsid = "f2"
        #expect(scene.codes == [.otherCluster])
        #expect(scene.status.troubles[0].what.contains("f1") && scene.status.troubles[0].what.contains("f2"))
        scene.seen.records?.fsid = nil
        #expect(scene.codes == [])
    }

    @Test("A dead node is named once, with the volumes that it has; a restarted one is not called dead")
    func deadNodes() throws {
        var scene = Scene()
        let gone = NodeIdentity(node: "n3", boot: "b")
        for name in ["b", "a"] { try scene.add(name) { $0.attachment = Scene.mount(by: gone) } }
        try scene.add("c") { $0.attachment = Scene.mount(by: NodeIdentity(node: "n1", boot: "earlier")) }
        #expect(scene.codes == [.formerBoot, .deadNode])
        #expect(scene.status.troubles[0].what == "node n1 has restarted, and has not given back 1 volume: c")
        #expect(scene.status.troubles[1].what == "node n3 has no heartbeat, and has 2 volumes: a, b")
        #expect(scene.status.troubles[1].remedy.contains("rbd-plugin mount release"))
        #expect(scene.status.nodes?.map(\.alive) == [true, false, true, false])
        #expect(scene.status.nodes?.map(\.mounted) == [0, 1, 0, 2])
    }

    @Test("Of many volumes of a dead node some are named and all are counted")
    func manyVolumes() throws {
        var scene = Scene()
        for number in 10..<30 {
            try scene.add("v\(number)") { $0.attachment = Scene.mount(by: NodeIdentity(node: "n3", boot: "b")) }
        }
        let what = try #require(scene.status.troubles.first?.what)
        #expect(what.contains("20 volumes: v10, ") && what.hasSuffix("v17 and 12 more"), "\(what)")
    }

    @Test("No node at all is told if there are volumes")
    func noNode() throws {
        var scene = Scene()
        scene.seen.records?.living = []
        #expect(scene.codes == [])
        try scene.add("a")
        #expect(scene.codes == [.noNode])
    }

    @Test("A Create that nobody is at is told: its node is dead, or its time is long over")
    func unfinishedCreate() throws {
        func codes(by node: NodeIdentity, at created: WallTime) throws -> [Trouble.Code] {
            var scene = Scene()
            try scene.add("a") {
                $0.volume?.record.phase = .creating
                $0.volume?.record.attempt = .init(by: node, token: "t")
                $0.volume?.record.createdAt = "\(created)"
            }
            return scene.codes
        }
        #expect(try codes(by: Scene.first, at: Scene.now + .seconds(-600)) == [])
        #expect(try codes(by: Scene.first, at: Scene.now + .seconds(-601)) == [.unfinishedCreate])
        #expect(try codes(by: NodeIdentity(node: "n1", boot: "earlier"), at: Scene.now) == [.unfinishedCreate])
    }

    @Test("Requests that have failed are told, and a volume that one has left half done by its own name")
    func requests() throws {
        var scene = Scene()
        try scene.add("a") {
            $0.request = Scene.request(.trim, .failed) { $0.result = "it is full" }
        }
        try scene.add("b") {
            $0.request = Scene.request(.rollBack(snapshot: 4, name: "monday"), .failed) { $0.hasBegun = true }
        }
        try scene.add("c") { $0.request = Scene.request(.trim, .done) }
        #expect(scene.codes == [.requestFailed, .halfDone])
        #expect(scene.status.troubles[0].what.hasSuffix(": it is full"))
        #expect(scene.status.troubles[1].what.contains("volume b is half rolled back"), "\(scene.status.troubles[1])")
        #expect(scene.status.troubles[1].remedy.contains("snapshot rollback b"))
    }

    @Test("What a mount lacks of what is wanted is told with the node's reason")
    func mounts() throws {
        var scene = Scene()
        try scene.add("a") { stored in
            stored.attachment = Scene.mount(by: Scene.first) {
                $0.growthReason = "the pool is full"
                $0.autogrowReason = "it is as large as it may become"
                $0.inForce.reason = "no cgroup"
            }
        }
        #expect(scene.codes == [.notGrown, .notGrown, .valuesNotInForce])
        for (trouble, reason) in zip(scene.status.troubles, ["the pool is full", "as large as", "no cgroup"]) {
            #expect(trouble.subject == "a" && trouble.what.contains(reason))
        }
        try scene.add("b") {
            $0.volume = nil
            $0.attachment = Scene.mount(by: Scene.first)
        }
        #expect(scene.codes.last == .mountWithoutVolume)
    }

    @Test("Keys that cannot be read are told one by one")
    func unreadable() {
        var scene = Scene()
        scene.seen.records?.unreadable = [.init(key: "volumes/x", reason: "no JSON"), .init(key: "y", reason: "stray")]
        #expect(scene.codes == [.unreadable, .unreadable])
        #expect(scene.status.troubles.map(\.subject) == ["volumes/x", "y"])
    }
}
