import ClusterStatus
import FoundationEssentials
import Testing
import VolumeCore

@Suite struct OverviewTests {
    @Test(
        "Volumes are counted by phase, those that a node has apart, and removed ones that only the trash knows not at all"
    )
    func volumes() throws {
        var scene = Scene()
        try scene.add("a") { $0.attachment = Scene.mount(by: Scene.first) }
        try scene.add("b")
        try scene.add("c") { $0.volume?.record.phase = .creating }
        try scene.add("d") { $0.volume?.record.phase = .removing }
        try scene.add("e") { $0.volume = nil }
        let counted = try #require(scene.status.volumes)
        #expect(counted.total == 4 && counted.ready == 2 && counted.creating == 1 && counted.removing == 1)
        #expect(counted.mounted == 1)
    }

    @Test("Work under way is told with the node that is at it, by state of mounts and requests")
    func unfinished() throws {
        var scene = Scene()
        try scene.add("a") {
            $0.volume?.record.phase = .creating
            $0.volume?.record.attempt = .init(by: Scene.second, token: "t")
        }
        try scene.add("b") { $0.attachment = Scene.mount(by: Scene.first, .attaching) }
        try scene.add("c") { $0.attachment = Scene.mount(by: Scene.first, .detaching) }
        try scene.add("d") { stored in
            stored.attachment = Scene.mount(by: Scene.first, .fencing) {
                $0.fenced = .init(owner: Scene.second, epoch: .none, clients: [], mayBeIncomplete: false)
            }
        }
        try scene.add("e") {
            $0.request = Scene.request(.trim, .running) {
                $0.node = Scene.second
                $0.progress = 40
            }
        }
        try scene.add("f") { $0.request = Scene.request(.trim, .done) }
        try scene.add("g") { $0.attachment = Scene.mount(by: Scene.first) }
        let work = try #require(scene.status.unfinished)
        #expect(work.map(\.volume) == ["a", "b", "c", "d", "e"])
        #expect(work.map(\.node) == ["n2", "n1", "n1", "n1", "n2"])
        #expect(
            work.map(\.what) == [
                "being created", "being mounted", "being unmounted", "being taken over from n2",
                "to be trimmed, 40 % done",
            ])
        #expect(work.map(\.kind) == ["create", "attaching", "detaching", "fencing", "request"])
    }

    @Test("The JSON has its schema, and with -x nothing but what is wrong and whether the backends answer")
    func json() throws {
        var scene = Scene()
        try scene.add("a") { $0.attachment = Scene.mount(by: NodeIdentity(node: "n3", boot: "b")) }
        func text(onlyTroubles: Bool) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let json = StatusJSON(scene.status, version: "5.0", onlyTroubles: onlyTroubles)
            return String(decoding: try encoder.encode(json), as: UTF8.self)
        }
        let whole = try text(onlyTroubles: false)
        for part in [
            #""schema":1"#, #""version":"5.0""#, #""well":false"#, #""etcd":{"answers":true,"#,
            #""nodes":[{"alive":true"#,
            #""mounted":1"#, #""code":"dead-node""#, #""unfinished":[]"#,
        ] { #expect(whole.contains(part), "\(part): \(whole)") }
        let short = try text(onlyTroubles: true)
        #expect(short.contains("dead-node") && !short.contains("nodes") && !short.contains("unfinished"), "\(short)")
    }
}
