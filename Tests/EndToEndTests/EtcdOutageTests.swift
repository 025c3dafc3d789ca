import Rig
import Testing

/// Days without etcd. Each test has an etcd of its own to end and freeze; Ceph is there.
@Suite("Without etcd")
struct EtcdOutageTests {
    private static func with(
        settings: [String: String?] = [:], started: Bool = true, _ body: (Stage, EtcdServer) async throws -> Void
    ) async throws {
        try await EtcdServer.with { server in
            let rig = try RigEnvironment.required().using(etcd: [server.url])
            try await Stage.with(rig, settings: settings, started: started) { try await body($0, server) }
        }
    }

    @Test("The plugin starts without etcd, every call says what is missing, and all is well once it is there")
    func absentAtStart() async throws {
        try await Self.with(started: false) { stage, server in
            await server.kill()
            try await stage.plugin.start()
            let (client, name) = (stage.client, uniqueName("absent"))
            #expect(try await client.activate().implements == ["VolumeDriver"])
            #expect(try await client.capabilities().scope == "global")
            // These two take as long as a call may: etcd could be there any moment.
            async let got = Self.isAnswered { try await client.get(name) }
            async let path = client.path(name)
            let answers = [
                ("Create", try await client.create(name, options: stage.options())),
                ("Mount", try await client.mount(name, id: "a")),
                ("Unmount", try await client.unmount(name, id: "a")),
                ("Remove", try await client.remove(name)),
                ("List", try await client.list()),
                ("Path", try await path),
            ]
            for (call, answer) in answers {
                #expect(answer.error.contains("etcd"), "\(call): \(answer.error)")
                #expect(answer.error.contains(server.address), "\(call): \(answer.error)")
                #expect(!answer.error.contains("no such volume"), "\(call): \(answer.error)")
            }
            #expect(try await !got, "an error would say that there is no such volume")
            let health = try await client.fetch("/healthz")
            #expect(health.status == 503)
            #expect(health.text.contains("etcd"))

            try await server.restart()
            try await eventually("the plugin to work") {
                try await client.create(name, options: stage.options()).succeeded
            }
            try await client.mount(name, id: "a").checked()
            #expect(try await client.list().checked().volumes?.map(\.name) == [name])
            try await eventually("the plugin to be healthy") { try await client.fetch("/healthz").status == 200 }
            let node = "\(stage.prefix)nodes/\(stage.plugin.settings.node)"
            try await eventually("the node's heartbeat") { try await stage.etcd.value(of: node) != nil }
        }
    }

    @Test("E11: a Get that comes before the records are read is answered with the truth once etcd is there")
    func e11GetWaitsForEtcd() async throws {
        try await Self.with(settings: ["OPERATION_TIMEOUT": "100s"]) { stage, server in
            let name = try await stage.volume("late")
            try await stage.plugin.terminate()
            await server.kill()
            try await stage.plugin.start()
            let patient = PluginClient(socket: stage.plugin.socket, within: .seconds(110))
            async let known = patient.get(name)
            async let path = patient.path(name)
            async let unknown = patient.get("unheard-of")
            try await eventually("all three to wait") { try await stage.waitingCalls() == 3 }
            try await server.restart()
            #expect(try await known.checked().volume?.name == name)
            #expect(try await path.checked().mountpoint == "")
            #expect(try await unknown.error.contains("no such volume"))
        }
    }

    @Test("E11: Gets that wait for etcd do not hold up the plugin's end")
    func e11WaitingGetsEndWithThePlugin() async throws {
        try await Self.with(settings: ["OPERATION_TIMEOUT": "100s"], started: false) { stage, server in
            await server.kill()
            try await stage.plugin.start()
            let patient = PluginClient(socket: stage.plugin.socket, within: .seconds(110))
            async let answered = Self.isAnswered { try await patient.get("some") }
            try await eventually("the Get to wait") { try await stage.waitingCalls() == 1 }
            #expect(try await stage.plugin.terminate(within: .seconds(60)) == .exited(0))
            #expect(try await !answered)
        }
    }

    @Test("While etcd is frozen, mounted volumes are answered for, and nothing is said of volumes that are not known")
    func frozen() async throws {
        try await Self.with { stage, server in
            let (client, name) = (stage.client, try await stage.volume("frozen"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            let idle = try await stage.volume("idle")
            let (unknown, new) = (uniqueName("unknown"), uniqueName("new"))
            let before = try await stage.surroundings(records: .byKey)
            server.freeze()
            do {
                #expect(try await client.get(name).checked().volume?.mountpoint == mountpoint)
                #expect(try await client.path(name).checked().mountpoint == mountpoint)
                #expect(try await client.list().checked().volumes?.map(\.name) == [name, idle].sorted())
                #expect(try await client.capabilities().scope == "global")
                try write("written", to: mountpoint + "/file")
                // All at once: each may take as long as one call may.
                async let got = Self.isAnswered { try await client.get(unknown) }
                async let created = client.create(new, options: stage.options())
                async let mounted = client.mount(idle, id: "b")
                async let unmounted = client.unmount(name, id: "a")
                async let removed = client.remove(idle)
                #expect(try await !got, "an error would say that the volume is gone")
                for answer in [try await created, try await mounted, try await unmounted, try await removed] {
                    #expect(answer.error.contains("etcd"), "\(answer.error)")
                }
                #expect(stage.plugin.kernelState.mount(at: mountpoint) != nil)
                #expect(try text(of: mountpoint + "/file") == "written")
            } catch {
                server.thaw()
                throw error
            }
            server.thaw()
            try await eventually("etcd to answer the plugin") {
                (try? await client.get(unknown))?.error.contains("no such volume") == true
            }
            // Docker does not repeat an Unmount that failed: the plugin makes up for it by itself.
            try await eventually("the failed Unmount to be made up for") {
                stage.plugin.kernelState.mount(at: mountpoint) == nil
            }
            // A write whose answer was lost may have happened: what was asked for is asked for again.
            try await client.create(new, options: stage.options()).checked()
            try await client.remove(new).checked()
            try await client.mount(idle, id: "b").checked()
            try await client.unmount(idle, id: "b").checked()
            try await client.unmount(idle, id: "b").checked()
            try await client.mount(name, id: "a").checked()
            for _ in 0..<2 { try await client.unmount(name, id: "a").checked() }
            try await client.mount(name, id: "a").checked()
            #expect(try text(of: mountpoint + "/file") == "written")
            // Only the mapping may be another one. What was removed is deleted in the background.
            try await eventually("nothing to be left behind") {
                try await stage.surroundings(records: .byKey).changes(since: before).split(separator: "\n").allSatisfy {
                    $0.contains("loop") || $0.contains("export") || $0.contains("mount /dev")
                }
            }
        }
    }

    /// Whether the plugin says anything at all before it hangs up.
    private static func isAnswered(_ call: () async throws -> PluginAnswer) async throws -> Bool {
        do {
            _ = try await call()
            return true
        } catch ConnectionFailure.closedWithoutAnswer {
            return false
        }
    }

    @Test("An etcd that crashes and comes back is followed again, and takes nothing from mounted volumes")
    func crashed() async throws {
        try await Self.with { stage, server in
            let (client, name) = (stage.client, try await stage.volume("crashed"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            await server.kill()
            #expect(try await client.get(name).checked().volume?.mountpoint == mountpoint)
            #expect(try await client.list().checked().volumes?.count == 1)
            let refused = try await client.create(uniqueName("new"), options: stage.options())
            #expect(refused.error.contains("etcd"), "\(refused.error)")
            try await eventually("ill health") { try await client.fetch("/healthz").status == 503 }
            try await server.restart()
            try await stage.withAnotherNode { _, other in
                let theirs = uniqueName("theirs")
                try await other.create(theirs, options: stage.options()).checked()
                try await eventually("the first node to see what the second has created") {
                    try await client.list().checked().volumes?.map(\.name).contains(theirs) == true
                }
                try await other.remove(theirs).checked()
                try await eventually("the first node to see that it is gone") {
                    try await client.list().checked().volumes?.map(\.name) == [name]
                }
            }
            try await client.unmount(name, id: "a").checked()
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("Of several endpoints one is enough")
    func oneEndpointDown() async throws {
        try await EtcdServer.with { dead in
            await dead.kill()
            let settings = ["ETCD_ENDPOINTS": "\(dead.address), \(try RigEnvironment.required().etcdEndpoints[0])"]
            try await Stage.with(settings: settings) { stage in
                let name = try await stage.volume("endpoint")
                try await stage.client.mount(name, id: "a").checked()
                try await stage.client.unmount(name, id: "a").checked()
                try await stage.client.remove(name).checked()
                try await stage.expectBlank()
            }
        }
    }

    @Test(
        "An etcd that loses a member is worked with, one that loses its majority is waited for, and no owner is doubted"
    )
    func membersLost() async throws {
        let members = try await EtcdServer.startCluster(of: 3)
        do {
            let rig = try RigEnvironment.required().using(etcd: members.map(\.url))
            try await Stage.with(rig, settings: ["NODE_TTL": "10s", "ETCD_TIMEOUT": "4s", "MOUNT_WAIT": "2s"]) {
                stage in
                try await Self.lose(members, stage)
            }
        } catch {
            for member in members { await member.stop() }
            throw error
        }
        for member in members { await member.stop() }
    }

    private static func lose(_ members: [EtcdServer], _ stage: Stage) async throws {
        let (client, name) = (stage.client, try await stage.volume("kept"))
        let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
        await members[0].kill()
        let second = uniqueName("second")
        try await eventually("two of three members to be enough") {
            try await client.create(second, options: stage.options()).succeeded
        }
        await members[1].kill()
        let refused = try await client.create(uniqueName("third"), options: stage.options())
        #expect(refused.error.contains("etcd"), "\(refused.error)")
        #expect(try await client.get(name).checked().volume?.mountpoint == mountpoint)
        #expect(try await client.list().checked().volumes?.map(\.name) == [name, second].sorted())
        try write("written", to: mountpoint + "/file")

        try await members[0].restart()
        try await members[1].restart()
        let settings = ["NODE_TTL": "10s", "ETCD_TIMEOUT": "4s", "MOUNT_WAIT": "2s"]
        try await stage.withAnotherNode(settings: settings) { _, other in
            try await eventually("the other node to know the owner") {
                try await other.mount(name, id: "b").error.contains(stage.plugin.settings.node)
            }
            let clients = try await stage.mountRecord(of: name)?["clients"]?.array.compactMap(\.string) ?? []
            #expect(!clients.isEmpty)
            #expect(try await stage.ceph.blocklist().allSatisfy { !clients.contains($0) }, "the owner is alive")
            try write("written again", to: mountpoint + "/file")
            try await eventually("the owner to work again") { try await client.unmount(name, id: "a").succeeded }
            let theirs = try await other.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: theirs + "/file") == "written again")
            try await other.unmount(name, id: "b").checked()
        }
        try await client.remove(name).checked()
        try await client.remove(second).checked()
        try await stage.expectBlank()
    }

    @Test("With users and a password from a file, etcd lets the plugin in; with a wrong one, calls say so")
    func authentication() async throws {
        try await Self.with(started: false) { stage, server in
            let password = uniqueName("password")
            try await server.enableAuthentication(
                rootPassword: "root", user: "docker", password: password, prefix: stage.prefix)
            for (given, works) in [("wrong", false), (password, true)] {
                let file = "\(stage.plugin.scratch.path)/password"
                try write(given + "\n", to: file)
                let settings = ["ETCD_USERNAME": "docker", "ETCD_PASSWORD_FILE": file]
                try await stage.withAnotherNode(settings: settings) { plugin, client in
                    let answer = try await client.create(uniqueName("user"), options: stage.options())
                    #expect(answer.succeeded == works, "\(answer.error)")
                    #expect(works || answer.error.contains("authentication failed"), "\(answer.error)")
                    #expect(!plugin.log.contains(given + "\n") && !answer.error.contains(given))
                }
            }
        }
    }
}

extension Stage {
    /// How many Gets and Paths the plugin has at hand.
    fileprivate func waitingCalls() async throws -> Int {
        let shown = try await client.fetch("/metrics").text.split(separator: "\n")
        return ["get", "path"].compactMap { call in
            shown.first { $0.hasPrefix("rbd_plugin_operations_in_flight{") && $0.contains("\"\(call)\"") }?
                .split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
        }.reduce(0, +)
    }
}
