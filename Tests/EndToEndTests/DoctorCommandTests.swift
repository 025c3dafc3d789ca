import FoundationEssentials
import Glibc
import Rig
import Testing

/// `rbd-plugin doctor` on a real etcd and Ceph: a healthy node, and one fault after the other.
@Suite("The doctor")
struct DoctorCommandTests {
    // MARK: A healthy node

    @Test("A node where all is well is healthy, with status 0, and doctor leaves nothing behind")
    func healthy() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("well")
            try await stage.client.mount(name, id: "a").checked()
            try await stage.withUser(mon: #"profile rbd, allow command "osd blocklist""#, osd: "profile rbd") { user in
                // The rig's only OSD has ratios that Ceph complains of.
                try await stage.ceph.ceph("health", "mute", "OSD_OUT_OF_ORDER_FULL")
                let before = try await stage.everything()
                let diagnosis = try await stage.doctor(settings: user)
                let after = try await stage.everything()
                try await stage.ceph.ceph("health", "unmute", "OSD_OUT_OF_ORDER_FULL")
                #expect(diagnosis.findings.isEmpty && diagnosis.status == 0, "\(diagnosis)")
                #expect(diagnosis.report["verdict"]?.string == "ok")
                #expect(diagnosis.report["node"]?.string == stage.plugin.settings.node)
                #expect(diagnosis.verdict("plugin") == "ok" && diagnosis.verdict("snapshots") == "ok")
                #expect(diagnosis.verdicts("ceph pool").keys.sorted() == ["\(stage.pool)/\(stage.namespace)"])
                #expect(after == before, "doctor changes nothing")
            }
        }
    }

    @Test("Before anything is installed, doctor says that the node could have volumes")
    func beforeInstalling() async throws {
        try await Stage.with(started: false) { stage in
            let diagnosis = try await stage.doctor(settings: ["RBD_STATE_DIR": "\(stage.plugin.scratch.path)/none"])
            #expect(diagnosis.codes == [], "\(diagnosis)")
            #expect(diagnosis.verdict("node name") == "ok" && diagnosis.verdict("ceph pool") == "ok")
            #expect(!exists("\(stage.plugin.scratch.path)/none"), "not even its folder")
            #expect(try await stage.etcd.keys(stage.prefix) == [])
        }
    }

    @Test("People read a line for each check and the verdict at the end, without colours where no terminal is")
    func text() async throws {
        try await Stage.with(started: false) { stage in
            let result = try await stage.operate(["doctor"], settings: ["RBD_DEFAULT_POOL": "gone"])
            #expect(result.status == 1 && result.error.isEmpty)
            let lines = result.output.split(separator: "\n").map(String.init)
            #expect(lines.contains { $0.hasPrefix("ok       settings ") })
            #expect(lines.contains { $0.hasPrefix("fault    ceph pool gone ") })
            #expect(lines.contains { $0.contains("do:  'ceph osd pool create gone'") })
            #expect(lines.last?.hasPrefix("fault: ") == true && !result.output.contains("\u{1b}"))
        }
    }

    // MARK: Settings and this host

    @Test(
        "Each setting that cannot be used is told, a missing file by its path, and the other backend is looked at all the same"
    )
    func settings() async throws {
        try await Stage.with(started: false) { stage in
            let diagnosis = try await stage.doctor(settings: [
                "RBD_CONF_KEYRING_KEY_FILE": "/nowhere/key", "RBD_MAPPER": "floppy", "ETCD_PASWORD": "x",
            ])
            #expect(try diagnosis.finding("file-unusable").what.contains("/nowhere/key"))
            #expect(try diagnosis.finding("setting-unusable").what.contains("RBD_MAPPER"))
            #expect(try diagnosis.finding("setting-doubtful").what.contains("ETCD_PASWORD"))
            #expect(diagnosis.verdict("etcd access") == "ok" && diagnosis.verdict("ceph") == "unknown")
            let lost = try await stage.doctor(settings: ["CEPH_CONF": "/nowhere/ceph.conf"])
            #expect(try lost.finding("ceph-conf-missing").what.contains("/nowhere/ceph.conf"))
        }
    }

    @Test("A mapper that does not work here is told with what it lacks", .disabled(if: exists("/sys/module/nbd")))
    func mapper() async throws {
        try await Stage.with(started: false) { stage in
            let finding = try await stage.doctor(settings: ["RBD_MAPPER": "nbd"]).finding("no-mapper")
            #expect(finding.what.contains("RBD_MAPPER=nbd") && finding.remedy.contains("RBD_MAPPER=auto"))
        }
    }

    @Test(
        "A Docker that does not answer, and a plugin that is installed and not enabled, are told; a missing Docker is no finding"
    )
    func docker() async throws {
        try await Stage.with(started: false) { stage in
            let socket = "\(stage.plugin.scratch.path)/docker.sock"
            let settings: [String: String?] = ["DOCKER_HOST": "unix://\(socket)"]
            let absent = try await stage.doctor(settings: settings)
            #expect(absent.codes == [] && absent.verdict("docker") == "ok", "\(absent)")
            try await FakeDocker.with(socket, answering: nil) {
                let diagnosis = try await stage.doctor(settings: settings)
                #expect(diagnosis.codes == ["docker-silent"], "\(diagnosis)")
            }
            unlink(socket)
            let plugins = """
                [{"Name":"wetopi/rbd:latest","Enabled":false,"Config":{"Entrypoint":["/usr/bin/rbd-plugin","serve"]}},
                {"Name":"other/volumes:1","Enabled":false,"Config":{"Entrypoint":["/plugin"]}}]
                """
            try await FakeDocker.with(socket, answering: ["/version": #"{"Version":"29.0"}"#, "/plugins": plugins]) {
                let diagnosis = try await stage.doctor(settings: settings)
                #expect(diagnosis.codes == ["plugin-disabled"], "\(diagnosis)")
                #expect(try diagnosis.finding("plugin-disabled").what.contains("wetopi/rbd:latest"))
            }
        }
    }

    // MARK: etcd

    @Test(
        "A wrong password, a user who may only read, and one who may not even do that are told apart; no key is left behind"
    )
    func etcdUsers() async throws {
        try await EtcdServer.with { server in
            try await server.enableAuthentication(rootPassword: "r", user: "docker", password: "right", prefix: "test")
            for (user, permission) in [("reader", "read"), ("stranger", "")] {
                try await server.etcdctl("user", "add", "\(user):right", user: "root:r")
                try await server.etcdctl("role", "add", user, user: "root:r")
                if !permission.isEmpty {
                    try await server.etcdctl(
                        "role", "grant-permission", user, permission, "--prefix=true", "test", user: "root:r")
                }
                try await server.etcdctl("user", "grant-role", user, user, user: "root:r")
            }
            try await Stage.with(started: false) { stage in
                func look(_ user: String, _ password: String) async throws -> Diagnosis {
                    try await stage.doctor(settings: [
                        "ETCD_ENDPOINTS": server.url, "ETCD_USERNAME": user, "ETCD_PASSWORD": password,
                    ])
                }
                let right = try await look("docker", "right")
                #expect(right.codes == ["secret-in-environment", "setting-doubtful"], "\(right)")
                let login = try await look("docker", "wrong").finding("etcd-login")
                #expect(login.remedy.contains("ETCD_PASSWORD_FILE"))
                let write = try await look("reader", "right").finding("etcd-no-write")
                #expect(write.what.contains("reader") && write.remedy.contains("grant-permission"))
                let read = try await look("stranger", "right")
                _ = try read.finding("etcd-no-read")
                #expect(read.verdict("records") == "unknown")
                #expect(try await server.etcdctl("get", "--prefix", "", user: "root:r").isEmpty)
            }
        }
    }

    @Test("A full etcd is told as such, and so is one that is nearly full")
    func fullEtcd() async throws {
        try await EtcdServer.with(.init(flags: ["--quota-backend-bytes", "2000000"])) { server in
            try await Stage.with(started: false) { stage in
                let settings: [String: String?] = ["ETCD_ENDPOINTS": server.url]
                let value = String(repeating: "x", count: 100_000)
                var fullest: Set<String> = []
                for number in 0..<40 {
                    _ = try? await server.etcdctl("put", "big/\(number)", value)
                    fullest.formUnion(try await stage.doctor(settings: settings).codes)
                    if fullest.contains("etcd-full") { break }
                }
                #expect(fullest == ["etcd-nearly-full", "etcd-full"])
                #expect(try await stage.doctor(settings: settings).finding("etcd-full").remedy.contains("alarm disarm"))
            }
        }
    }

    @Test("A server that nobody here trusts is told by TLS's own words")
    func untrustedEtcd() async throws {
        let certificates = try await EtcdCertificates.make()
        defer { certificates.remove() }
        var options = EtcdServer.Options()
        options.certificates = certificates
        try await EtcdServer.with(options) { server in
            try await Stage.with(started: false) { stage in
                let diagnosis = try await stage.doctor(settings: ["ETCD_ENDPOINTS": server.url])
                #expect(try diagnosis.finding("etcd-tls").subject == server.url)
                let trusted = try await stage.doctor(settings: [
                    "ETCD_ENDPOINTS": server.url, "ETCD_CA": certificates.authority,
                ])
                #expect(trusted.codes == [], "\(trusted)")
            }
        }
    }

    @Test("Of three members a frozen one costs its own line alone")
    func frozenMember() async throws {
        let servers = try await EtcdServer.startCluster(of: 3)
        do {
            try await Stage.with(started: false) { stage in
                servers[1].freeze()
                try await eventually("the others to have a leader") {
                    let written = try? await servers[0].etcdctl("put", "has-leader", "yes")
                    return written != nil
                }
                let diagnosis = try await stage.doctor(settings: [
                    "ETCD_ENDPOINTS": servers.map(\.url).joined(separator: ",")
                ])
                servers[1].thaw()
                #expect(diagnosis.codes == ["etcd-unreachable"], "\(diagnosis)")
                #expect(try diagnosis.finding("etcd-unreachable").subject == servers[1].url)
                #expect(diagnosis.verdict("etcd access") == "ok" && diagnosis.verdict("records") == "ok")
            }
        } catch {
            for server in servers { await server.stop() }
            throw error
        }
        for server in servers { await server.stop() }
    }

    @Test("An etcd that is frozen as a whole keeps nobody from seeing that Ceph is well")
    func frozenEtcd() async throws {
        try await EtcdServer.with { server in
            try await Stage.with(started: false) { stage in
                server.freeze()
                let diagnosis = try await stage.doctor(settings: ["ETCD_ENDPOINTS": server.url])
                server.thaw()
                #expect(diagnosis.codes == ["etcd-unreachable"], "\(diagnosis)")
                #expect(diagnosis.status == 1)
                for check in ["etcd access", "records", "node name"] {
                    #expect(diagnosis.verdict(check) == "unknown", "\(check)")
                }
                #expect(diagnosis.verdict("ceph") == "ok" && diagnosis.verdict("ceph pool") == "ok")
            }
        }
    }

    // MARK: Ceph

    @Test("A missing pool, and each cap that is missing, are told with what they break")
    func caps() async throws {
        try await Stage.with(started: false) { stage in
            let gone = try await stage.doctor(settings: ["RBD_DEFAULT_POOL": "gone"])
            #expect(gone.codes == ["pool-missing"])
            #expect(try gone.finding("pool-missing").remedy.contains("rbd pool init gone"))
            try await stage.withUser(mon: "allow r", osd: "profile rbd pool=\(stage.pool)") { user in
                let diagnosis = try await stage.doctor(settings: user)
                #expect(diagnosis.codes == ["cap-blocklist"], "\(diagnosis)")
            }
            try await stage.withUser(mon: "profile rbd", osd: "allow rx pool=\(stage.pool)") { user in
                let diagnosis = try await stage.doctor(settings: user)
                #expect(diagnosis.codes == ["cap-pool-write"], "\(diagnosis)")
            }
            try await stage.withUser(mon: "profile rbd", osd: "profile rbd pool=other") { user in
                let diagnosis = try await stage.doctor(settings: user)
                #expect(diagnosis.codes == ["cap-pool-read"], "\(diagnosis)")
            }
            #expect(try await stage.ceph.rados("ls", "-p", stage.pool).contains("rbd-plugin.doctor") == false)
            let listed = try await stage.ceph.ceph("osd", "blocklist", "ls")
            #expect(!listed.contains("doctor"))
            let nobody = try await stage.doctor(settings: ["RBD_CONF_KEYRING_USER": "nobody"])
            #expect(try nobody.finding("ceph-login").what.contains("client.nobody"))
        }
    }

    @Test("A Ceph that hangs is a fault of its own, and etcd is looked at all the same", arguments: ["mon", "osd"])
    func hangingCeph(server: String) async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, started: false) { stage in
                let hanging = server == "osd" ? stage.ceph.osd : stage.ceph.mon
                let diagnosis = try await hanging.disturbed(by: .pause) { try await stage.doctor() }
                let code = server == "mon" ? "ceph-unreachable" : "pool-silent"
                #expect(diagnosis.codes.subtracting(["ceph-health-warning"]) == [code], "\(diagnosis)")
                #expect(diagnosis.verdict("etcd access") == "ok" && diagnosis.verdict("records") == "ok")
            }
        }
    }

    // MARK: Records

    @Test("A second host under this node's name, and a prefix of another cluster, are told")
    func identity() async throws {
        try await Stage.with { stage in
            let mine = stage.plugin.settings.node
            try await eventually("the plugin's records") {
                let cluster = try await stage.etcd.value(of: "\(stage.prefix)cluster")
                return try await stage.etcd.value(of: "\(stage.prefix)nodes/\(mine)") != nil && cluster != nil
            }
            let record = try #require(try await stage.etcd.value(of: "\(stage.prefix)nodes/\(mine)"))
            let boot = try #require(try JSONValue(parsing: record)["boot"]?.string)
            let granted = try await stage.etcd.etcdctl("lease", "grant", "600")
            let lease = try #require(granted.split(separator: " ").dropFirst().first.map(String.init))
            let twin = record.replacing(mine, with: "twin").replacing(boot, with: uniqueName("boot"))
            try await stage.etcd.etcdctl("put", "--lease", lease, "\(stage.prefix)nodes/twin", twin)
            let diagnosis = try await stage.doctor(settings: ["NODE_NAME": "twin"])
            #expect(diagnosis.codes == ["node-name-taken"], "\(diagnosis)")
            #expect(try diagnosis.finding("node-name-taken").remedy.contains("NODE_NAME"))
            #expect(try await stage.doctor().codes == [], "the plugin's own name is its own")

            let cluster = try #require(try await stage.etcd.value(of: "\(stage.prefix)cluster"))
            let other = cluster.replacing(stage.environment.fsid, with: "11111111-2222-3333-4444-555555555555")
            try await stage.etcd.put("\(stage.prefix)cluster", other)
            let foreign = try await stage.doctor()
            #expect(foreign.codes == ["foreign-prefix"], "\(foreign)")
            #expect(foreign.verdict("images") == "unknown", "another cluster's volumes have no images here")
            try await stage.etcd.put("\(stage.prefix)cluster", cluster)
        }
    }

    @Test(
        "An unreadable key, an unfinished image of no volume and a volume without its image are named, and left alone")
    func leftovers() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("lost")
            let unfinished = stage.image("rbd-plugin.creating.\(uniqueName("uid")).token")
            try await stage.ceph.rbd("create", "--size", "8M", unfinished)
            try await stage.ceph.rbd("rename", stage.image(name), stage.image("\(name)-elsewhere"))
            let before = try await stage.images()
            let diagnosis = try await stage.doctor()
            #expect(diagnosis.codes == ["unfinished-image", "image-missing"], "\(diagnosis)")
            #expect(try diagnosis.finding("unfinished-image").what.contains(unfinished))
            #expect(try diagnosis.finding("image-missing").what.contains(stage.image(name)))
            #expect(try await stage.images() == before)

            let key = "\(stage.prefix)volumes/broken"
            try await stage.etcd.put(key, "no JSON")
            let unreadable = try await stage.doctor()
            #expect(try unreadable.finding("record-unreadable").what.contains(key))
            #expect(try await stage.etcd.value(of: key) == "no JSON")
        }
    }

    @Test("What a dead node holds, its silent plugin, and a client that is shut out are told")
    func deadNode() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("held")
            try await stage.client.mount(name, id: "a").checked()
            let client = try #require(try await stage.mountRecord(of: name)?["clients"]?.array.first?.string)
            try await stage.plugin.kill()
            try await stage.endHeartbeat(of: stage.plugin.settings.node)
            let dead = try await stage.doctor()
            #expect(try dead.finding("dead-node-holds").what.contains(name))
            #expect(dead.codes.isSubset(of: ["dead-node-holds", "plugin-silent"]), "\(dead)")
            try await stage.ceph.ceph("osd", "blocklist", "add", client)
            let shutOut = try await stage.doctor()
            #expect(try shutOut.finding("client-blocklisted").what.contains(client))
            #expect(try shutOut.finding("client-blocklisted").what.contains(name))
        }
    }
}

extension Stage {
    /// A user of Ceph for the length of the body; the body gets the settings that name it.
    fileprivate func withUser(
        mon: String, osd: String, _ body: ([String: String?]) async throws -> Void
    ) async throws {
        let user = uniqueName("doctor")
        let file = "\(plugin.scratch.path)/\(user).key"
        try await ceph.ceph("auth", "get-or-create", "client.\(user)", "mon", mon, "osd", osd)
        let key = try await ceph.ceph("auth", "get-key", "client.\(user)")
        try write(key, to: file)
        do {
            try await body(["RBD_CONF_KEYRING_USER": user, "RBD_CONF_KEYRING_KEY_FILE": file])
        } catch {
            _ = try? await ceph.ceph("auth", "rm", "client.\(user)")
            throw error
        }
        try await ceph.ceph("auth", "rm", "client.\(user)")
    }

    /// All that doctor could have changed: records with their revisions, images, the blocklist, files.
    fileprivate func everything() async throws -> [String] {
        // The heartbeat changes by itself.
        let records = try await etcd.keys(prefix).filter { !$0.contains("/nodes/") }
        var seen: [String] = []
        for key in records { seen.append("\(key)=\(try await etcd.value(of: key) ?? "")") }
        seen += try await images() + trash()
        seen += try await ceph.rados("ls", "-p", pool, "--namespace", namespace).split(separator: "\n").map(String.init)
            .sorted()
        seen += try FileManager.default.subpathsOfDirectory(atPath: plugin.scratch.path)
            // The folder in which each command has one for its own files.
            .filter { !$0.hasPrefix("volumes/") && !$0.hasSuffix(".log") && $0 != "state/ceph-operator" }.sorted()
        return seen
    }
}
