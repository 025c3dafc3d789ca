import Rig
import Testing

/// A cluster and an etcd that have no other addresses than IPv6 ones.
@Suite("IPv6")
struct IPv6Tests {
    @Test("A volume is used, taken over and removed where monitors, OSDs and etcd have IPv6 addresses only")
    func mainJob() async throws {
        let rig = try await RigEnvironment.bringUp("six", address: "::1")
        #expect(rig.monHost.contains("v2:[::1]:") && rig.etcdEndpoints.allSatisfy { $0.hasPrefix("http://[::1]:") })
        let settings = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]
        try await Stage.with(rig, settings: settings) { stage in
            let name = try await stage.volume("six")
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("from before", to: here + "/file")
            try await runTool("sync", ["--file-system", here]).checked()
            let clients = try await stage.mountRecord(of: name)?["clients"]?.array.compactMap(\.string) ?? []
            #expect(!clients.isEmpty && clients.allSatisfy { $0.hasPrefix("[::1]:") }, "\(clients)")
            #expect(
                Set(try await stage.ceph.watchers(of: "\(stage.namespace)/\(name)", in: stage.pool)) == Set(clients))

            try await stage.plugin.kill()
            try await stage.withAnotherNode(settings: settings) { _, other in
                let there = try await other.mountAtLast(name, id: "b", within: .seconds(120))
                #expect(try text(of: there + "/file") == "from before")
                #expect(try await Set(stage.ceph.blocklist()).isSuperset(of: clients))
                let late = try await runTool(
                    "dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"])
                #expect(!late.succeeded, "the node that was taken for dead wrote to the volume")

                try await stage.plugin.start()
                try await eventually("the old owner to let go of what it has lost") {
                    stage.plugin.kernelState.isEmpty
                }
                try await other.unmount(name, id: "b").checked()
                try await stage.client.remove(name).checked()
                #expect(try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)") == [])
            }
        }
        try await rig.takeDown()
    }
}
