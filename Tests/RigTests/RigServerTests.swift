import Rig
import Testing

/// The servers can be frozen, ended and brought back: tests of bad days would prove nothing if they could not.
struct RigServerTests {
    @Test("An OSD that is disturbed answers nobody, and keeps what it holds", arguments: RigServer.Disturbance.allCases)
    func osdDisturbed(by disturbance: RigServer.Disturbance) async throws {
        try await DisturbableRig.exclusively { rig in
            let (ceph, object) = (CephRig(rig), uniqueName("object"))
            try await ceph.rados("--pool", rig.pool, "setomapval", object, "key", "kept")
            try await ceph.osd.disturbed(by: disturbance) {
                await #expect(throws: RigFailure.self) {
                    try await runTool(
                        "rados", ["--conf", rig.adminConf, "--pool", rig.pool, "get", object, "/dev/null"],
                        within: .seconds(2))
                }
            }
            #expect(try await ceph.rados("--pool", rig.pool, "getomapval", object, "key", "/dev/stdout") == "kept")
        }
    }

    @Test("A mon that is disturbed answers nobody, and comes back", arguments: RigServer.Disturbance.allCases)
    func monDisturbed(by disturbance: RigServer.Disturbance) async throws {
        try await DisturbableRig.exclusively { rig in
            let ceph = CephRig(rig)
            try await ceph.mon.disturbed(by: disturbance) {
                let asked = try await ceph.run("ceph", ["--connect-timeout", "1", "fsid"])
                #expect(!asked.succeeded)
            }
            #expect(try await ceph.ceph("fsid").contains(rig.fsid))
        }
    }

    @Test(
        "An etcd that is disturbed answers nobody, and keeps what it holds", arguments: RigServer.Disturbance.allCases)
    func etcdDisturbed(by disturbance: RigServer.Disturbance) async throws {
        try await DisturbableRig.exclusively { rig in
            let (etcd, key) = (EtcdRig(rig), uniqueName("key"))
            try await etcd.put(key, "kept")
            try await etcd.server.disturbed(by: disturbance) {
                await #expect(throws: RigFailure.self) {
                    try await etcd.etcdctl("--command-timeout", "1s", "get", key)
                }
            }
            #expect(try await etcd.value(of: key) == "kept")
        }
    }

    @Test("Servers that other tests use cannot be disturbed")
    func sharedServers() async throws {
        let rig = try RigEnvironment.required()
        for server in [RigServer.mon(of: rig), .osd(of: rig), .etcd(of: rig)] {
            await #expect(throws: RigFailure.self) { try await server.pause() }
        }
    }

    @Test("The plugin's client may use its pools and no other")
    func leastPrivilege() async throws {
        let rig = try RigEnvironment.required()
        for pool in [rig.pool, rig.dataPool, rig.otherPool] {
            try await runTool("rbd", ["--conf", rig.cephConf, "--id", rig.cephUser, "ls", pool]).checked()
        }
        let refused = try await runTool("rbd", ["--conf", rig.cephConf, "--id", rig.cephUser, "ls", rig.closedPool])
        #expect(refused.error.contains("Operation not permitted"))
    }
}
