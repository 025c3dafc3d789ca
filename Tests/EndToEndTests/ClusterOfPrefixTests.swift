import Rig
import Testing

/// Two instances of the plugin on one host, for two Ceph clusters.
@Suite struct ClusterOfPrefixTests {
    @Test("A6: two instances, two clusters, one prefix: the second refuses to work; with a prefix of its own both work")
    func a6TwoClustersOnOneHost() async throws {
        try await DisturbableRig.exclusively { second in
            try await Stage.with { stage in
                let name = try await stage.volume("shared-name")
                let here = try await stage.client.mount(name, id: "a").checked().mountpoint
                let before = try await stage.etcd.keys(stage.prefix)
                let endpoints = stage.environment.etcdEndpoints.joined(separator: ",")
                let (mine, theirs) = (try await fsid(stage.environment), try await fsid(second))
                #expect(mine != theirs)

                let node = stage.plugin.settings.node
                let one = PluginSettings(
                    node: node, etcdPrefix: stage.prefix, others: ["ETCD_ENDPOINTS": endpoints])
                try await PluginProcess.with(second, one) { plugin in
                    let other = Stage.client(of: plugin)
                    for answer in [
                        try await other.create("new", options: ["pool": second.pool, "size": "32"]),
                        try await other.mount(name, id: "b"), try await other.unmount(name, id: "a"),
                        try await other.remove(name),
                    ] {
                        for word in [mine, theirs, "ETCD_PREFIX"] {
                            #expect(answer.error.contains(word), "\(answer.error)")
                        }
                    }
                }
                #expect(try await stage.etcd.keys(stage.prefix) == before)
                #expect(stage.plugin.kernelState.mount(at: here) != nil)

                // With a prefix and an etcd of its own the same volume name is another volume.
                let prefix = uniqueName("second") + "/"
                let two = PluginSettings(node: node, etcdPrefix: prefix, others: ["ETCD_ENDPOINTS": endpoints])
                try await PluginProcess.with(second, two) { plugin in
                    let other = Stage.client(of: plugin)
                    try await other.create(name, options: ["pool": second.pool, "size": "32"]).checked()
                    let there = try await other.mount(name, id: "b").checked().mountpoint
                    try write("second", to: there + "/file")
                    try write("first", to: here + "/file")
                    #expect(try text(of: there + "/file") == "second")
                    try await other.unmount(name, id: "b").checked()
                    #expect(stage.plugin.kernelState.mount(at: here) != nil)
                    try await other.remove(name).checked()
                }
                try await stage.etcd.delete(prefix: prefix)
                #expect(try text(of: here + "/file") == "first")
                try await stage.client.unmount(name, id: "a").checked()
                try await stage.client.remove(name).checked()
            }
        }
    }

    private func fsid(_ rig: RigEnvironment) async throws -> String {
        try await CephRig(rig).run("ceph", ["fsid"]).checked().output.filter { !$0.isWhitespace }
    }
}
