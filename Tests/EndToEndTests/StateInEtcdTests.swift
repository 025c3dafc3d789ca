import FoundationEssentials
import Rig
import Testing

/// What others do to the records in etcd.
@Suite struct StateInEtcdTests {
    @Test("B7: stray keys below the prefix stop neither recovery nor the operator's commands, and are named")
    func b7StrayKeys() async throws {
        try await Stage.with { stage in
            let (name, spoilt) = (try await stage.volume("good"), try await stage.volume("spoilt"))
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try await stage.plugin.kill()
            // What an earlier boot left is for recovery to clear.
            let record = try #require(await stage.etcd.value(of: "\(stage.prefix)mounts/\(name)"))
            try await stage.etcd.put(
                "\(stage.prefix)mounts/\(name)", record.replacing("\"attached\"", with: "\"detaching\""))
            try await stage.etcd.put("\(stage.prefix)mounts/a/b", "stray")
            try await stage.etcd.put("\(stage.prefix)volumes/newer", #"{"schema":99}"#)
            try await stage.etcd.put("\(stage.prefix)mounts/\(spoilt)", "no JSON")
            try await stage.plugin.start()
            try await eventually("recovery to unmount what was being unmounted") {
                stage.plugin.kernelState.mount(at: here) == nil
            }
            let listed = (try await stage.client.list().checked().volumes ?? []).map(\.name)
            #expect(listed.contains(name) && !listed.contains(spoilt) && !listed.contains("newer"), "\(listed)")
            let refused = try await stage.client.mount(spoilt, id: "b")
            #expect(refused.error.contains("mounts/\(spoilt)"), "\(refused.error)")
            for command in [["volume", "ls"], ["mount", "ls"], ["node", "ls"]] {
                let settings = stage.plugin.settings.variables(
                    for: stage.environment, stateFolder: stage.plugin.stateFolder)
                let result = try await runTool(
                    PluginProcess.executable(), command, settings: settings.mapValues { $0 }
                ).checked()
                #expect(command[0] == "node" || result.error.contains("mounts/a/b"), "\(result.error)")
            }
            try await eventually("the log to name the key") { stage.plugin.log.contains("mounts/a/b") }
            try await stage.etcd.delete(prefix: "\(stage.prefix)mounts/")
            try await stage.client.mount(spoilt, id: "b").checked()
            try await stage.client.unmount(spoilt, id: "b").checked()
        }
    }

    @Test("E1: an unfinished volume that somebody wrote into etcd is not made, whatever mkfs was to be told")
    func e1AForgedCreateIsNotCarriedOut() async throws {
        try await Stage.with { stage in
            let good = try await stage.volume("good")
            let target = stage.plugin.scratch.path + "/target"
            try write("untouched", to: target)
            let images = try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)")
            let forgeries = [
                ("xfs", ["-l", "logdev=\(target)"]), ("xfs", ["-f", target]), ("ext4", ["-d", "/etc"]),
                ("ext4", ["-d", "run"]),
            ]
            for (filesystem, words) in forgeries {
                let name = uniqueName("forged")
                let key = "\(stage.prefix)volumes/\(name)"
                var record = try #require(try await stage.record(of: good)).object
                var spec = try #require(record["spec"]).object
                record["name"] = .string(name)
                record["uid"] = .string(uniqueName("uid"))
                record["phase"] = "creating"
                record["imageID"] = nil
                spec["size"] = .integer(512 << 20)
                spec["filesystem"] = .string(filesystem)
                spec["mkfsOptions"] = .array(words.map { .string($0) })
                record["spec"] = .object(spec)
                try await stage.etcd.put(key, String(decoding: try JSONEncoder().encode(record), as: UTF8.self))
                for answer in [
                    try await stage.client.create(name, options: stage.options(["fstype": filesystem, "size": "512"])),
                    try await stage.client.mount(name, id: "a"), try await stage.client.remove(name),
                ] {
                    #expect(answer.error.contains(key), "\(answer.error)")
                    #expect(answer.error.contains("mkfs-options"), "\(answer.error)")
                }
                try await eventually("the key to be named in the log") { stage.plugin.log.contains(key) }
                let listed = (try await stage.client.list().checked().volumes ?? []).map(\.name)
                #expect(listed == [good], "\(listed)")
            }
            #expect(try text(of: target) == "untouched")
            #expect(try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)") == images)
            try await stage.client.mount(good, id: "a").checked()
            try await stage.client.unmount(good, id: "a").checked()
        }
    }

    @Test("E2: the record of a mount that names another place hands out, shows and unmounts nothing there")
    func e2AForgedMountpointIsNotFollowed() async throws {
        try await Stage.with { stage in
            let client = stage.client
            let (mine, other) = (try await stage.volume("mine"), try await stage.volume("other"))
            let there = try await client.mount(other, id: "o").checked().mountpoint
            try write("theirs", to: there + "/file")
            let record = try #require(try await stage.mountRecord(of: other))
            let usual = there.replacing(other, with: mine)
            for mountpoint in [there, "/etc", there + "/../\(mine)", there + "/../\(other)", there + "/\(mine)"] {
                for isMounted in [true, false] {
                    if isMounted { try await client.mount(mine, id: "a").checked() }
                    let genuine = try await stage.mountRecord(of: mine)
                    var forged = (genuine ?? record).object
                    forged["volumeUID"] = try #require(try await stage.record(of: mine))["uid"]
                    forged["device"] = record["device"]
                    forged["mountpoint"] = .string(mountpoint)
                    // Who names other clients is another matter.
                    if genuine == nil { forged["clients"] = [] }
                    try await stage.writeMountRecord(of: mine, .object(forged))
                    try await expectNotFollowed(mountpoint, of: mine, at: usual, other, there, stage)
                    // One that cannot be read stays until somebody repairs it.
                    if try await stage.mountRecord(of: mine) != nil {
                        try await stage.writeMountRecord(of: mine, genuine)
                        if isMounted { try await client.unmount(mine, id: "a").checked() }
                    }
                    #expect(stage.plugin.kernelState.mount(at: usual) == nil, "\(mountpoint)")
                }
            }
            #expect(try text(of: there + "/file") == "theirs")
            try await client.unmount(other, id: "o").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
        }
    }

    /// - Returns: `nil` for a call that was closed without an answer, as Docker's question after a volume is whose record cannot
    ///   be read.
    private func answer(_ call: () async throws -> PluginAnswer) async throws -> PluginAnswer? {
        do { return try await call() } catch ConnectionFailure.closedWithoutAnswer { return nil }
    }

    /// Makes every call on `mine`, whose record has just been forged.
    private func expectNotFollowed(
        _ forged: String, of mine: String, at usual: String, _ other: String, _ there: String, _ stage: Stage
    ) async throws {
        let client = stage.client
        func expect(_ shown: String, _ call: String) {
            #expect(shown == "" || shown == usual, "\(call) says \(shown), forged was \(forged)")
        }
        // The copy follows etcd a moment later.
        try await eventually("the forged record to be known") {
            try await answer({ try await client.path(mine) })?.mountpoint != usual
                || stage.plugin.kernelState.mount(at: usual) == nil
        }
        expect(try await answer { try await client.path(mine) }?.mountpoint ?? "", "Path")
        let shown = try await answer { try await client.get(mine) }?.volume
        expect(shown?.mountpoint ?? "", "Get")
        expect(shown?.status["mount"]?["mountpoint"]?.string ?? "", "Status")
        for listed in try await client.list().checked().volumes ?? [] where listed.name == mine {
            expect(listed.mountpoint, "List")
        }
        expect(try await client.mount(mine, id: "b").mountpoint, "Mount")
        for id in ["a", "b", "o"] {
            _ = try await client.unmount(mine, id: id)
            #expect(stage.plugin.kernelState.mount(at: there) != nil, "\(forged)")
        }
        #expect(try text(of: there + "/file") == "theirs")
        #expect(try await client.path(other).checked().mountpoint == there)
    }

    @Test("E3: a record that names somebody's client has it shut out by nobody; the image itself names its writers")
    func e3AForgedClientIsLeftAlone() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("db")
            try await stage.client.mount(name, id: "a").checked()
            let genuine = try #require(try await stage.mountRecord(of: name)).object
            let client = try #require(genuine["clients"]?.array.first?.string)
            let image = "\(stage.pool)/\(stage.namespace)/\(name)"
            func noted() async throws -> String { try await stage.ceph.rbd("image-meta", "list", image) }
            let mounted = try await noted()
            #expect(mounted.contains("rbd-plugin.writer.\(client)"), "\(mounted)")
            try await stage.client.unmount(name, id: "a").checked()
            let unmounted = try await noted()
            #expect(!unmounted.contains("rbd-plugin.writer"), "\(unmounted)")

            let victim = "127.0.0.1:0/4294967290"
            for isNoted in [true, false] {
                var forged = genuine
                forged["owner"] = .object(["node": "nowhere", "boot": "long-gone"])
                forged["clients"] = [.string(victim)]
                forged["writersAreNoted"] = isNoted ? .bool(true) : nil
                try await stage.writeMountRecord(of: name, .object(forged))
                let answer = try await stage.client.mount(name, id: "b")
                #expect(try await !stage.ceph.blocklist().contains(victim))
                guard !isNoted else {
                    #expect(answer.error == "")
                    try await stage.client.unmount(name, id: "b").checked()
                    continue
                }
                #expect(answer.error.contains("ceph osd blocklist add \(victim)"), "\(answer.error)")
            }
            try await stage.writeMountRecord(of: name, nil)
        }
    }

    @Test("B8: after etcd was put back from a backup under a running plugin, List and Get tell of the restored volumes")
    func b8RestoredEtcd() async throws {
        try await EtcdServer.with { server in
            try await Stage.with(settings: ["ETCD_ENDPOINTS": server.url]) { stage in
                let (kept, back) = (try await stage.volume("kept"), try await stage.volume("back"))
                let snapshot = try await server.saveSnapshot()
                try await stage.client.remove(back).checked()
                let gone = try await stage.volume("gone")
                func listed() async throws -> Set<String> {
                    Set((try await stage.client.list().checked().volumes ?? []).map(\.name))
                }
                #expect(try await listed() == [kept, gone])
                try await server.restore(snapshot)
                try await eventually("the list to be of the restored history", within: .seconds(40)) {
                    try await listed() == [kept, back]
                }
                #expect(try await stage.client.get(back).error == "")
                #expect(try await stage.client.get(gone).error.contains("there is no such volume"))
            }
        }
    }
}

extension Stage {
    /// - Parameter record: `nil` takes it away.
    fileprivate func writeMountRecord(of volume: String, _ record: JSONValue?) async throws {
        let key = "\(prefix)mounts/\(volume)"
        guard let record else { return try await etcd.delete(prefix: key) }
        try await etcd.put(key, String(decoding: try JSONEncoder().encode(record), as: UTF8.self))
    }
}
