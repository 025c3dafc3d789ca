import ClusterStatus
import Testing
import VolumeCore

@Suite("Volumes that many nodes read, as 'status' shows them") struct ReadersShownTests {
    private static let gone = NodeIdentity(node: "n3", boot: "b")

    private static func readers(_ mounts: [VolumeCore.Attachment]) -> Revisioned<Readers> {
        var readers = Readers(volumeUID: "u")
        for mount in mounts { readers[mount.owner.node] = mount }
        return Revisioned(readers, revision: 2)
    }

    private static func mount(
        by owner: NodeIdentity, _ state: VolumeCore.Attachment.State = .attached,
        _ change: (inout VolumeCore.Attachment) -> Void = { _ in }
    ) -> VolumeCore.Attachment { Scene.mount(by: owner, state, change).record }

    @Test("such a volume counts once as mounted, and with each of its nodes; a dead one is shown and is no trouble")
    func counts() throws {
        var scene = Scene()
        try scene.add("a") {
            $0.readers = Self.readers([Scene.first, Scene.second, Self.gone].map { Self.mount(by: $0) })
        }
        #expect(scene.status.volumes?.mounted == 1 && scene.status.unfinished == [] && scene.codes == [])
        let rows = try #require(scene.status.nodes)
        #expect(rows.map(\.node) == ["n1", "n2", "n3"] && rows.map(\.mounted) == [1, 1, 1])
        #expect(rows.map(\.alive) == [true, true, false])
    }

    @Test("what each of the nodes is at, and what its mount lacks, is told with the node")
    func each() throws {
        var scene = Scene()
        try scene.add("a") {
            $0.readers = Self.readers([
                Self.mount(by: Scene.first, .attaching),
                Self.mount(by: Scene.second) { $0.inForce.reason = "no cgroup" },
            ])
        }
        #expect(scene.status.unfinished?.map(\.node) == ["n1"])
        #expect(scene.status.unfinished?.map(\.what) == ["being mounted"])
        #expect(scene.codes == [.valuesNotInForce])
        try scene.add("b") {
            $0.volume = nil
            $0.readers = Self.readers([Self.mount(by: Scene.first)])
        }
        #expect(scene.codes.last == .mountWithoutVolume)
    }
}
