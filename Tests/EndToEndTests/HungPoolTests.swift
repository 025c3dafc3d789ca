import Rig
import Synchronization
import Testing

/// One pool of the cluster does not answer, the others do.
@Suite("A pool hangs", .serialized)
struct HungPoolTests {
    private static let settings: [String: String?] = [
        "OPERATION_TIMEOUT": "6s", "CEPH_TIMEOUT": "2s", "ETCD_TIMEOUT": "1s", "MOUNT_WAIT": "1s",
    ]

    @Test(
        "However many calls wait for a pool that hangs, volumes of other pools live as ever, and what hung works again")
    func othersGoOn() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, settings: Self.settings) { stage in
                let pool = rig.otherPool
                var volumes: [String] = []
                for _ in 0..<8 {
                    let name = uniqueName("idle")
                    try await stage.client.create(name, options: ["pool": pool, "size": "32"]).checked()
                    volumes.append(name)
                }

                var new: [String] = []
                try await Self.hanging(pool, of: stage.ceph) {
                    let siege = Siege(of: pool, volumes, through: stage.client)
                    new = try await siege.whileCalling(40) {
                        for _ in 0..<8 { try await Self.live(uniqueName("healthy"), on: stage) }
                    }
                }

                for name in volumes {
                    try await eventually("\(name) to be mounted again", within: .seconds(90)) {
                        try await stage.client.mount(name, id: "a").succeeded
                    }
                    try await stage.client.unmount(name, id: "a").checked()
                }
                for name in volumes + new {
                    try await eventually("\(name) to be removed", within: .seconds(90)) {
                        let answer = try await stage.client.remove(name)
                        return answer.succeeded || answer.error.contains("no such volume")
                    }
                }
                try await eventually("no image to be left", within: .seconds(90)) {
                    try await stage.ceph.images(in: pool).isEmpty
                }
                #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            }
        }
    }

    private static func live(_ name: String, on stage: Stage) async throws {
        try await stage.client.create(name, options: stage.options()).checked()
        let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
        try write("alive", to: mountpoint + "/file")
        try await stage.client.unmount(name, id: "a").checked()
        try await stage.client.remove(name).checked()
    }

    /// Runs the body while a pool answers nothing.
    static func hanging(
        _ pool: String, of ceph: CephRig, _ body: () async throws -> Void
    ) async throws {
        do {
            try await setCopies("2", of: pool, ceph)
            let look = ["2", "rados", "--conf", ceph.environment.adminConf, "--pool", pool, "stat", "rbd_directory"]
            try await eventually("pool \(pool) to hang", within: .seconds(60)) {
                try await !ceph.environment.run("timeout", look).succeeded
            }
            try await body()
        } catch {
            try? await setCopies("1", of: pool, ceph)
            throw error
        }
        try await setCopies("1", of: pool, ceph)
    }

    /// With more copies than there are OSDs to hold them nothing is lost, and nothing is answered.
    private static func setCopies(_ count: String, of pool: String, _ ceph: CephRig) async throws {
        try await ceph.ceph("osd", "pool", "set", pool, "size", count, "--yes-i-really-mean-it")
        try await ceph.ceph("osd", "pool", "set", pool, "min_size", count)
    }
}

/// Calls that come again and again, for volumes of a pool that does not answer.
private final class Siege: Sendable {
    private let pool: String
    private let volumes: [String]
    private let client: PluginClient
    private let isOver = Atomic(false)
    private let created = Mutex<[String]>([])

    init(of pool: String, _ volumes: [String], through client: PluginClient) {
        self.pool = pool
        self.volumes = volumes
        self.client = client
    }

    /// - Parameter count: how many calls are under way at each moment while `body` runs.
    /// - Returns: the volumes that may have been created.
    func whileCalling(_ count: Int, _ body: () async throws -> Void) async throws -> [String] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count { group.addTask { try await self.call(number) } }
            defer { isOver.store(true, ordering: .relaxed) }
            try await body()
        }
        return created.withLock(\.self)
    }

    private func call(_ number: Int) async throws {
        while !isOver.load(ordering: .relaxed) {
            let answer: PluginAnswer
            if number < volumes.count {
                answer = try await client.mount(volumes[number], id: "a")
            } else {
                let name = uniqueName("new")
                created.withLock { $0.append(name) }
                answer = try await client.create(name, options: ["pool": pool, "size": "32"])
            }
            #expect(!answer.succeeded, "the pool hangs")
        }
    }
}
