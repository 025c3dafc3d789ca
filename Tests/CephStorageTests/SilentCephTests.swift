import Blocking
import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

/// Ceph's servers freeze and stop here, on a rig of its own. The limits are short, so that
/// deadlines pass soon; what is proven is what happens then, not how soon.
@Suite("Ceph outages", .serialized) struct SilentCephTests {
    private static let soon = Duration.seconds(1)

    /// A fixture whose requests to an OSD give up `osdOperation` after they were sent.
    private static func disturbable<T: Sendable>(
        callsPerPool: Int = 4, osdOperation: Duration = .seconds(3),
        _ body: (CephFixture) async throws -> T
    ) async throws -> T {
        try await DisturbableRig.exclusively { environment in
            try await CephFixture.with(environment) { settings, _ in
                settings.callsPerPool = callsPerPool
                settings.timeouts.osdOperation = osdOperation
            } _: { ceph in
                try await body(ceph)
            }
        }
    }

    private static func recovers(_ ceph: CephFixture) async throws {
        try await eventually("no call to be stuck any more", within: .seconds(60)) {
            ceph.connection.calls.stuckCalls == 0
        }
        _ = try await ceph.images.list()
    }

    @Test("With the OSD frozen a change ends in time as unknown, other calls go on, and it recovers by itself")
    func osdFrozen() async throws {
        try await Self.disturbable { ceph in
            try await ceph.withImage { name in
                let image = try await ceph.images.open(.name(name), .readWrite)
                try await image.write([1], at: 0)
                let new = uniqueName("unsure")
                try await ceph.rig.osd.disturbed(by: .pause) {
                    let create = try await CephFixture.error {
                        try await ceph.images.create(new, size: 1 << 20, layout: ImageLayout(), timeout: Self.soon)
                    }
                    #expect(create.isTimedOut)
                    #expect(create.outcome == .unknown)
                    #expect(create.subject == .image(ceph.images.location, name: new))
                    let write = try await CephFixture.error {
                        try await image.write([2], at: 0, timeout: Self.soon)
                        try await image.flush(timeout: Self.soon)
                    }
                    #expect(write.outcome == .unknown)
                    let read = try await CephFixture.error { try await ceph.images.list(timeout: Self.soon) }
                    #expect(read.isTimedOut)
                    #expect(read.outcome == .failed)
                    #expect(ceph.connection.calls.stuckCalls > 0)

                    #expect(try await ceph.connection.pools().contains { $0.name == ceph.environment.pool })
                    try await ceph.connection.ping()
                }
                try await Self.recovers(ceph)
                try await image.write([3], at: 0)
                try await image.flush()
                #expect(try await image.read(at: 0, count: 1) == [3])
                try await image.close()
                // What was unknown is read back: it is there or it is not, and can be made then.
                if try await !ceph.images.list().contains(where: { $0.name == new }) {
                    try await ceph.images.create(new, size: 1 << 20, layout: ImageLayout())
                }
                try await ceph.rig.removeImage(new, in: ceph.environment.pool)
            }
        }
    }

    @Test("Ceph's own limit ends a call too, and says that the outcome is unknown")
    func osdOperationTimeout() async throws {
        try await Self.disturbable(osdOperation: .seconds(1)) { ceph in
            _ = try await ceph.images.list()
            try await ceph.rig.osd.disturbed(by: .pause) {
                let error = try await CephFixture.error {
                    try await ceph.images.create(
                        uniqueName("slow"), size: 1 << 20, layout: ImageLayout(), timeout: .seconds(60))
                }
                #expect(error.isTimedOut, "\(error)")
                #expect(error.outcome == .unknown)
                #expect(error.description.contains("OSD"))
            }
            try await Self.recovers(ceph)
        }
    }

    @Test("When every thread is stuck, calls fail at once and say in what; afterwards all is well")
    func exhausted() async throws {
        try await Self.disturbable(callsPerPool: 3, osdOperation: .seconds(5)) { ceph in
            let images = ceph.images
            _ = try await images.list()
            try await ceph.rig.osd.disturbed(by: .pause) {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 { group.addTask { _ = try? await images.list(timeout: Self.soon) } }
                }
                #expect(ceph.connection.calls.stuckCalls == 3)
                let error = try await CephFixture.error { try await images.list(timeout: .seconds(60)) }
                #expect(error.outcome == .refused)
                #expect(error.description.contains("all 3 threads are stuck in rbd_list2"))
            }
            try await Self.recovers(ceph)
        }
    }

    @Test("An image that is opened after the deadline is closed again")
    func lateOpen() async throws {
        try await Self.disturbable(osdOperation: .seconds(60)) { ceph in
            try await ceph.withImage { name in
                try await ceph.rig.osd.disturbed(by: .pause) {
                    let error = try await CephFixture.error {
                        try await ceph.images.open(.name(name), .readWrite, timeout: Self.soon)
                    }
                    #expect(error.isTimedOut)
                }
                try await Self.recovers(ceph)
                try await eventually("nobody to watch the image") {
                    try await ceph.images.withImage(.name(name), .readOnly) { try await $0.watchers().isEmpty }
                }
            }
        }
    }

    @Test("An image that comes to be after the deadline is removed again where nobody can want it")
    func lateCreate() async throws {
        try await Self.disturbable(osdOperation: .seconds(60)) { ceph in
            let (wanted, unwanted) = (uniqueName("wanted"), uniqueName("unwanted"))
            try await ceph.rig.osd.disturbed(by: .pause) {
                for (name, removedIfLate) in [(wanted, false), (unwanted, true)] {
                    let error = try await CephFixture.error {
                        try await ceph.images.create(
                            name, size: 1 << 22, layout: ImageLayout(), removedIfLate: removedIfLate,
                            timeout: Self.soon)
                    }
                    #expect(error.isTimedOut)
                    #expect(error.outcome == .unknown)
                }
            }
            try await Self.recovers(ceph)
            try await eventually("both creates to return") { ceph.connection.calls.stuckCalls == 0 }
            try await eventually("only the wanted image to be there") {
                try await ceph.images.list().map(\.name) == [wanted]
            }
            try await ceph.images.remove(wanted)
        }
    }

    @Test("A pipeline that nobody waits for sends no more extents")
    func abandonedPipeline() async throws {
        try await Self.disturbable(osdOperation: .seconds(30)) { ceph in
            try await ceph.withImage(size: 512 << 20) { name in
                let image = try await ceph.images.open(.name(name), .readWrite)
                let extents = (0..<128).map {
                    ImageExtent(offset: UInt64($0) << 22, bytes: [UInt8](repeating: 5, count: 4096))
                }
                try await ceph.rig.osd.disturbed(by: .pause) {
                    let error = try await CephFixture.error {
                        try await image.write(extents: extents, inFlight: 4, timeout: Self.soon)
                    }
                    #expect(error.outcome == .unknown)
                }
                try await Self.recovers(ceph)
                let last = try await image.read(at: UInt64(127) << 22, count: 4096)
                #expect(last.allSatisfy { $0 == 0 })
                try await image.close()
            }
        }
    }

    @Test("A connection that is closed under a stuck call goes when the call returns")
    func closeUnderCall() async throws {
        try await Self.disturbable { ceph in
            let images = ceph.images
            _ = try await images.list()
            try await ceph.rig.osd.disturbed(by: .pause) {
                _ = try await CephFixture.error { try await images.list(timeout: Self.soon) }
                let error = try await CephFixture.error { try await ceph.connection.close() }
                #expect(error.isBusy)
            }
            try await eventually("the call to return") { ceph.connection.calls.running == 0 }
        }
    }

    @Test(
        "Without a monitor calls end in time and say so; when it appears, the connection does by itself",
        arguments: [RigServer.Disturbance.pause, .stop])
    func monAbsentAtStart(disturbance: RigServer.Disturbance) async throws {
        try await DisturbableRig.exclusively { environment in
            let rig = CephRig(environment)
            try await CephFixture.with(environment) { settings, _ in
                settings.timeouts.connect = .seconds(1)
                settings.retryInterval = .milliseconds(200)
            } _: { ceph in
                try await rig.mon.disturbed(by: disturbance) {
                    await ceph.connection.start()
                    for _ in 0..<3 {
                        let error = try await CephFixture.error { try await ceph.images.list(timeout: Self.soon) }
                        #expect(error.call == "rados_connect")
                        #expect(error.isTimedOut, "\(error)")
                        #expect(error.description.contains("mon host"))
                    }
                    #expect(ceph.connection.upkeep.running <= 1)
                }
                try await eventually("the connection to come up by itself", within: .seconds(60)) {
                    if case .connected = await ceph.connection.status { true } else { false }
                }
                _ = try await ceph.images.list()
            }
        }
    }

    @Test("A monitor that stops later fails what needs it, and is found again")
    func monGoesAway() async throws {
        try await Self.disturbable { ceph in
            let before = try await ceph.connection.identity().clientID
            try await ceph.rig.mon.disturbed(by: .pause) {
                let error = try await CephFixture.error {
                    try await ceph.connection.monitorCommand(MonitorCommand("df"), mutates: false, timeout: Self.soon)
                }
                #expect(error.isTimedOut)
                #expect(error.outcome == .failed)
                _ = try await ceph.images.list(timeout: .seconds(60))
            }
            try await Self.recovers(ceph)
            try await eventually("the monitor to answer", within: .seconds(60)) {
                (try? await ceph.connection.ping()) != nil
            }
            #expect(try await ceph.connection.identity().clientID == before)
        }
    }
}
