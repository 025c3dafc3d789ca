import FoundationEssentials
import Rig
import Testing

/// Days without Ceph, on the cluster that may be disturbed; etcd is there.
@Suite("Without Ceph", .serialized)
struct CephOutageTests {
    @Test(
        "The plugin starts without monitors, calls that need Ceph say so, and all is well once it is there",
        arguments: [RigServer.Disturbance.stop, .pause])
    func absentAtStart(by disturbance: RigServer.Disturbance) async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, started: false) { stage in
                let (client, name) = (stage.client, uniqueName("absent"))
                try await stage.ceph.mon.disturbed(by: disturbance) {
                    try await stage.plugin.start()
                    #expect(try await client.capabilities().scope == "global")
                    async let creating = client.create(name, options: stage.options())
                    #expect(try await client.get(name).error.contains("no such volume"))
                    #expect(try await client.list().checked().volumes == [])
                    try await client.unmount(name, id: "a").checked()
                    let created = try await creating
                    #expect(created.error.contains("ceph") || created.error.contains("cluster"), "\(created.error)")
                    let health = try await client.fetch("/healthz")
                    #expect(health.status == 503)
                    #expect(health.text.contains("ceph"))
                }
                try await eventually("the plugin to work") {
                    try await client.create(name, options: stage.options()).succeeded
                }
                try await client.mount(name, id: "a").checked()
                try await client.unmount(name, id: "a").checked()
                try await client.remove(name).checked()
                try await eventually("the plugin to be healthy") { try await client.fetch("/healthz").status == 200 }
                try await stage.expectBlank()
            }
        }
    }

    @Test("While the OSD hangs, what needs no Ceph is answered, what needs it ends in time, and leaves nothing")
    func osdHangs() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig) { stage in
                let client = stage.client
                let mounted = try await stage.volume("mounted")
                let mountpoint = try await client.mount(mounted, id: "a").checked().mountpoint
                try write("before", to: mountpoint + "/file")
                try await runTool("sync", ["--file-system", mountpoint]).checked()
                let (idle, leaving) = (try await stage.volume("idle"), try await stage.volume("leaving"))
                let (new, unknown) = (uniqueName("new"), uniqueName("unknown"))
                let before = try await stage.surroundings(records: .byKey)
                try await client.mount(leaving, id: "l").checked()

                try await stage.ceph.osd.disturbed(by: .pause) {
                    async let created = client.create(new, options: stage.options())
                    async let mounting = client.mount(idle, id: "b")
                    async let unmounting = client.unmount(leaving, id: "l")
                    async let removing = client.remove(idle)
                    // Meanwhile, and as often as Docker likes:
                    for _ in 0..<10 {
                        #expect(try await client.get(mounted).checked().volume?.mountpoint == mountpoint)
                        #expect(try await client.get(idle).succeeded)
                        #expect(try await client.get(unknown).error.contains("no such volume"))
                        #expect(try await client.list().checked().volumes?.count == 3)
                        #expect(try await client.path(mounted).checked().mountpoint == mountpoint)
                        #expect(try await client.capabilities().scope == "global")
                        // One more container for a volume that is mounted needs nothing of Ceph; that Docker would
                        // hang with it is known some seconds later.
                        let another = try await client.mount(mounted, id: "c")
                        #expect(
                            another.mountpoint == mountpoint || another.error.contains("has not answered for"),
                            "\(another.error)")
                        try await client.unmount(mounted, id: "c").checked()
                    }
                    // Docker gives up after 30 s, and so does this client: an answer is all that matters.
                    for answer in [try await created, try await mounting, try await removing] {
                        #expect(!answer.succeeded)
                        #expect(!answer.error.isEmpty)
                    }
                    _ = try await unmounting
                }

                #expect(try text(of: mountpoint + "/file") == "before")
                try await Self.settle(stage)
                try await eventually("the volume that was being unmounted to be let go") {
                    try await client.unmount(leaving, id: "l").succeeded
                        && stage.plugin.kernelState.mount(at: "\(stage.plugin.mountRoot)/\(leaving)") == nil
                }
                // The calls that failed are made again, as people do.
                try await eventually("a Remove of what was not wholly created", within: .seconds(90)) {
                    let answer = try await client.remove(new)
                    return answer.succeeded || answer.error.contains("no such volume")
                }
                if try await stage.record(of: idle)?["phase"] == "ready" {
                    try await stage.waitUntilUnchanged(since: before, records: .byKey, after: "the OSD's hanging")
                    try await client.mount(idle, id: "b").checked()
                    try await client.unmount(idle, id: "b").checked()
                }
                try await client.unmount(mounted, id: "a").checked()
                for name in [idle, leaving, mounted] {
                    let answer = try await client.remove(name)
                    #expect(answer.succeeded || answer.error.contains("no such volume"), "\(answer.error)")
                }
                try await stage.waitUntilUnchanged(since: Surroundings(facts: []), after: "the removal of all")
            }
        }
    }

    /// Waits until no call is at work in the background any more.
    private static func settle(_ stage: Stage) async throws {
        try await eventually("all calls to end", within: .seconds(60)) {
            let metrics = try await stage.client.fetch("/metrics").text
            let inFlight = metrics.split(separator: "\n").filter {
                $0.hasPrefix("rbd_plugin_operations_in_flight{")
            }
            return !inFlight.isEmpty && inFlight.allSatisfy { $0.hasSuffix(" 0") || $0.hasSuffix(" 0.0") }
        }
    }

    @Test("An OSD that crashes and comes back costs no data and needs no restart")
    func osdCrashes() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig) { stage in
                let (client, name) = (stage.client, try await stage.volume("crash"))
                let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
                let bytes = randomBytes(2 << 20)
                try write(bytes, to: mountpoint + "/data")
                try await runTool("sync", ["--file-system", mountpoint]).checked()
                try await stage.ceph.osd.disturbed(by: .kill) {
                    let known = try await client.get(name).checked().volume
                    #expect(known?.mountpoint == mountpoint)
                }
                try await client.unmount(name, id: "a").checked()
                try await client.mount(name, id: "b").checked()
                #expect(try read(mountpoint + "/data") == bytes)
            }
        }
    }

    @Test(
        "D2: within 15 seconds /healthz and /metrics say that Ceph was cut off, with the age of its last answer, and that it is back"
    )
    func d2Health() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, settings: ["RBD_DEFAULT_POOL": rig.pool]) { stage in
                let client = stage.client
                func health() async throws -> JSONValue? {
                    try JSONValue(parsing: try await client.fetch("/healthz").text)["components"]?.array
                        .first { $0["name"] == "ceph" }
                }
                func isUp() async throws -> Bool {
                    try await client.fetch("/metrics").text.contains(#"rbd_plugin_backend_up{backend="ceph"} 1"#)
                }
                try await eventually("Ceph to be up") { try await health()?["ok"] == true }
                #expect(try await isUp())
                for (server, words) in [(stage.ceph.osd, "pool '\(rig.pool)'"), (stage.ceph.mon, "monitors")] {
                    try await server.disturbed(by: .pause) {
                        try await eventually("Ceph to be down", within: .seconds(30)) {
                            try await health()?["ok"] == false
                        }
                        #expect(try await !isUp())
                        let said = try await health()
                        #expect(said?["detail"]?.string?.contains(words) == true, "\(String(describing: said))")
                        #expect(said?["ageSeconds"] != nil, "\(String(describing: said))")
                        #expect(try await client.fetch("/healthz").status == 503)
                    }
                    try await eventually("Ceph to be up again", within: .seconds(60)) {
                        try await health()?["ok"] == true
                    }
                    #expect(try await isUp())
                }
                let metrics = try await client.fetch("/metrics").text
                for backend in ["ceph", "etcd"] {
                    let series = #"rbd_plugin_backend_answer_age_seconds{backend="\#(backend)"} "#
                    let line = metrics.split(separator: "\n").first { $0.hasPrefix(series) }
                    let age = line.flatMap { Double($0.dropFirst(series.count)) }
                    #expect(age.map { $0 >= 0 } == true, "\(String(describing: line))")
                }
            }
        }
    }

    @Test(
        "D13: while Ceph is cut off, one more container of a mounted volume is refused in words instead of left to hang"
    )
    func d13NewUser() async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, settings: ["RBD_DEFAULT_POOL": rig.pool]) { stage in
                let (client, name) = (stage.client, try await stage.volume("silent"))
                let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
                try await stage.ceph.osd.disturbed(by: .pause) {
                    try await eventually("a new user to be refused", within: .seconds(60)) {
                        let answer = try await client.mount(name, id: "b")
                        guard !answer.succeeded else {
                            try await client.unmount(name, id: "b").checked()
                            return false
                        }
                        return answer.error.contains("has not answered for")
                    }
                    #expect(try await client.mount(name, id: "a").checked().mountpoint == mountpoint)
                    try await client.unmount(name, id: "a").checked()
                    #expect(try await stage.mountRecord(of: name)?["mountIDs"] == ["a": 1])
                }
                try await eventually("the pool to answer again", within: .seconds(60)) {
                    try await client.mount(name, id: "b").succeeded
                }
                for id in ["a", "b"] { try await client.unmount(name, id: id).checked() }
            }
        }
    }

    @Test("D9: a user that does not exist is named in the error, with what to look at")
    func d9WrongUser() async throws {
        let rig = try RigEnvironment.required()
        // A keyring that can be read, with another user's key.
        let settings = ["RBD_CONF_KEYRING_USER": "dokcer", "RBD_CONF_CLIENT_KEYRING": rig.cephKeyring]
        try await Stage.with(settings: settings.mapValues { $0 }) { stage in
            var answer = try await stage.client.create(uniqueName("user"), options: stage.options())
            try await eventually("the reason to be known: \(answer.error)") {
                answer = try await stage.client.create(uniqueName("user"), options: stage.options())
                return answer.error.contains("client.dokcer")
            }
            #expect(!answer.error.contains("This release of Ceph"), "\(answer.error)")
            #expect(answer.error.contains("user's name"), "\(answer.error)")
        }
    }

    @Test("A key that is wrong is named as the reason, and never shown")
    func wrongKey() async throws {
        let key = try await runTool("ceph-authtool", ["--gen-print-key"]).checked().output.filter { $0 != "\n" }
        try await Stage.with(settings: ["RBD_CONF_KEYRING_KEY": key]) { stage in
            let answer = try await stage.client.create(uniqueName("key"), options: stage.options())
            #expect(answer.error.contains("key"), "\(answer.error)")
            #expect(answer.error.contains("ermission denied"), "\(answer.error)")
            #expect(!answer.error.contains(key) && !stage.plugin.log.contains(key))
            #expect(try await stage.client.list().checked().volumes == [])
            let health = try await stage.client.fetch("/healthz")
            #expect(health.status == 503 && !health.text.contains(key))
            try await stage.expectBlank()
        }
    }

    @Test("A client that Ceph does not know yet works as soon as it does")
    func lateClient() async throws {
        let rig = try RigEnvironment.required()
        let (ceph, user) = (CephRig(rig), uniqueName("late"))
        let key = try await runTool("ceph-authtool", ["--gen-print-key"]).checked().output.filter { $0 != "\n" }
        try await Stage.with(settings: ["RBD_CONF_KEYRING_USER": "client.\(user)", "RBD_CONF_KEYRING_KEY": key]) {
            stage in
            let name = uniqueName("late")
            #expect(try await !stage.client.create(name, options: stage.options()).succeeded)
            let keyring = "\(stage.plugin.scratch.path)/keyring"
            try write(
                """
                [client.\(user)]
                    key = \(key)
                    caps mon = "profile rbd"
                    caps osd = "profile rbd pool=\(stage.pool)"

                """, to: keyring)
            try await ceph.ceph("auth", "import", "-i", keyring)
            try await eventually("the plugin to work") {
                try await stage.client.create(name, options: stage.options()).succeeded
            }
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
            try await ceph.ceph("auth", "del", "client.\(user)")
        }
    }
}
