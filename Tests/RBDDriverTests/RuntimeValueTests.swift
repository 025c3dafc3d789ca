import InMemoryPorts
import RBDDriver
import Testing
import VolumeCore

/// What is in force of the values that can change while a volume is in use.
@Suite struct RuntimeValueTests {
    let fixture = Mounted()

    /// Volume `db`, mounted on node a.
    struct Mounted {
        let cluster = SimulatedCluster()
        let ports: NodePorts
        let driver: VolumeDriver

        init() {
            ports = cluster.startPlugin(on: "a")
            driver = VolumeDriver(ports)
        }

        func mount() async throws {
            try await driver.create("db", options: ["pool": "rbd"])
            _ = try await driver.mount("db", id: "m1")
        }

        var record: Attachment? { cluster.world.etcd.attachments.values.first?.record }
        var limits: IOLimits? { cluster.world.nodes["a"]?.kernel.devices.values.first?.limits }

        func set(_ changes: [RuntimeOption: String?]) {
            cluster.mutate { world in _ = world.setValues(changes, of: "db") }
        }
    }

    @Test("a volume is limited before its Mount is answered, and its record says so")
    func atTheMount() async throws {
        try await fixture.driver.create("db", options: ["pool": "rbd"])
        fixture.set([.iops: "500", .writeBPS: "20M"])
        _ = try await fixture.driver.mount("db", id: "m1")
        #expect(fixture.limits == IOLimits(iops: 500, writeBPS: 20 << 20))
        #expect(fixture.record?.inForce.values.limits == fixture.limits)
    }

    @Test("values that change while the volume is mounted come into force with the next round")
    func whileMounted() async throws {
        try await fixture.mount()
        fixture.set([.iops: "500"])
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits(iops: 500))
        fixture.set([.iops: nil])
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits.none)
        #expect(fixture.record?.inForce == ValuesInForce.none)
    }

    @Test("a node that cannot limit a volume mounts it, says why it is not limited, and tries again")
    func notPossible() async throws {
        fixture.cluster.mutate { $0.letLimit(false, on: "a") }
        try await fixture.driver.create("db", options: ["pool": "rbd"])
        fixture.set([.iops: "500", .autogrowAt: "80%", .autogrowMax: "10G"])
        _ = try await fixture.driver.mount("db", id: "m1")
        #expect(fixture.record?.state == .attached)
        #expect(fixture.record?.inForce.values.limits == IOLimits.none)
        #expect(fixture.record?.inForce.values.autogrow == Autogrow(at: 80, max: .gibibytes(10)))
        #expect(fixture.record?.inForce.reason?.contains("no way to limit") == true)

        fixture.cluster.mutate { $0.letLimit(true, on: "a") }
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits.none, "it has just been tried")
        fixture.cluster.mutate { $0.advance(by: .seconds(11)) }
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits(iops: 500))
        #expect(fixture.record?.inForce.reason == nil)
    }

    @Test("what cannot be brought into force is written to etcd once, not with every try")
    func noWritesWithoutNews() async throws {
        try await fixture.mount()
        fixture.cluster.mutate { $0.letLimit(false, on: "a") }
        fixture.set([.iops: "500"])
        try await fixture.driver.reconcile(VolumeName("db"))
        let revision = fixture.cluster.world.etcd.revision
        for _ in 1...5 {
            fixture.cluster.mutate { $0.advance(by: .seconds(11)) }
            try await fixture.driver.reconcile(VolumeName("db"))
        }
        #expect(fixture.cluster.world.etcd.revision == revision)
    }

    @Test("limits that something else has taken away are set again, and etcd is asked for nothing")
    func lookedAfter() async throws {
        try await fixture.mount()
        fixture.set([.iops: "500"])
        try await fixture.driver.reconcile(VolumeName("db"))
        let device = try #require(try await fixture.ports.mapper.mapped().first)
        try await fixture.ports.limiter.limit(device, to: .none)
        fixture.cluster.mutate { $0.advance(by: .seconds(11)) }
        fixture.cluster.forgetCalls()
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits(iops: 500))
        #expect(fixture.cluster.calls.filter { $0.operation.backend == .etcd }.isEmpty)
    }

    @Test("what a filesystem still has to write when it is unmounted is not held up by limits")
    func liftedBeforeUnmounting() async throws {
        try await fixture.mount()
        fixture.set([.writeBPS: "64K"])
        try await fixture.driver.reconcile(VolumeName("db"))
        fixture.cluster.forgetCalls()
        try await fixture.driver.unmount("db", id: "m1")
        let order = fixture.cluster.calls.map(\.operation).filter { [.deviceLimit, .mountUnmount].contains($0) }
        #expect(order.first == .deviceLimit)
    }

    @Test("a volume that turns out to be in use when it is to be unmounted gets its limits again")
    func stays() async throws {
        try await fixture.mount()
        fixture.set([.iops: "500"])
        try await fixture.driver.reconcile(VolumeName("db"))
        _ = try fixture.cluster.mutate { try $0.openFile(on: "a", at: "\(DriverFixture.mountRoot)/db") }
        await #expect(throws: VolumeError.self) { try await fixture.driver.unmount("db", id: "m1") }
        #expect(fixture.record?.inForce == ValuesInForce.none)
        // Nobody counts as its user, so each round tries to let go of it first.
        _ = try await fixture.driver.mount("db", id: "m2")
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits(iops: 500))
    }

    @Test("a plugin that starts again looks after the limits of what it finds mounted")
    func afterARestart() async throws {
        try await fixture.mount()
        fixture.cluster.mutate { $0.killPlugin(on: "a") }
        fixture.set([.readIOPS: "100"])
        let next = VolumeDriver(fixture.cluster.startPlugin(on: "a"))
        try await next.recover()
        try await next.reconcile(VolumeName("db"))
        #expect(fixture.limits == IOLimits(readIOPS: 100))
        #expect(fixture.record?.inForce.values.limits == fixture.limits)
    }
}

/// `discard=online`: the one value that concerns the filesystem.
extension RuntimeValueTests {
    private var discards: Bool? { fixture.cluster.world.nodes["a"]?.kernel.superblocks.values.first?.discards }

    @Test("a filesystem discards online from its mount on, and no longer when that is taken back")
    func onlineDiscard() async throws {
        try await fixture.driver.create("db", options: ["pool": "rbd"])
        fixture.set([.discard: "online"])
        _ = try await fixture.driver.mount("db", id: "m1")
        #expect(discards == true)
        #expect(fixture.record?.inForce.values.discard == .online)
        fixture.set([.discard: "daily"])
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(discards == false)
        #expect(fixture.record?.inForce.values.discard == .daily)
    }

    @Test(
        "a filesystem that takes discards only when it is mounted gets them at its next mount, and the record says so")
    func xfs() async throws {
        try await fixture.driver.create("db", options: ["pool": "rbd", "fstype": "xfs"])
        _ = try await fixture.driver.mount("db", id: "m1")
        fixture.set([.discard: "online", .iops: "500"])
        try await fixture.driver.reconcile(VolumeName("db"))
        #expect(discards == false)
        #expect(fixture.limits == IOLimits(iops: 500), "one value that cannot be must not keep the others away")
        #expect(fixture.record?.inForce.values.discard == .off)
        #expect(fixture.record?.inForce.reason != nil)
        try await fixture.driver.unmount("db", id: "m1")
        _ = try await fixture.driver.mount("db", id: "m2")
        #expect(discards == true)
        #expect(fixture.record?.inForce.reason == nil)
    }
}
