import FoundationEssentials
import Rig
import Testing

/// A plugin with the right secrets, others with wrong ones, and servers that come and go.
struct SecretScene: Sendable {
    let stage: Stage
    let server: EtcdServer
    let search: SecretSearch
    let secrets: SeededSecrets
    let tools: SpiedTools
    private let settings: [String: String?]

    /// All calls are to end soon, whatever hangs.
    private static let limits: [String: String?] = [
        "OPERATION_TIMEOUT": "20s", "CEPH_TIMEOUT": "5s", "ETCD_TIMEOUT": "3s", "MOUNT_WAIT": "3s",
        "LOG_LEVEL": "debug",
    ]

    static func with(
        _ way: SeededSecrets.Way, _ rig: RigEnvironment, _ server: EtcdServer, _ certificates: EtcdCertificates,
        _ body: (SecretScene) async throws -> Void
    ) async throws {
        let folder = try ScratchFolder("secret", of: rig)
        let password = uniqueName("s3cret-password")
        // As `Stage` names its prefixes.
        try await server.enableAuthentication(rootPassword: "root", user: "docker", password: password, prefix: "test")
        let secrets = try SeededSecrets(way, right: rig, password: password, certificates, folder: folder.path)
        let tools = try await SpiedTools(in: folder.path)
        let settings: [String: String?] = [
            "CEPH_CONF": nil, "RBD_CONF_GLOBAL_MON_HOST": rig.monHost, "RBD_CONF_GLOBAL_FSID": rig.fsid,
            "RBD_CONF_GLOBAL_AUTH_CLIENT_REQUIRED": "cephx", "PATH": "\(folder.path):/usr/sbin:/usr/bin:/sbin:/bin",
        ].merging(limits) { $1 }
        let all = settings.merging(try secrets.settings()) { $1 }
        try await Stage.with(rig.using(etcd: [server.url]), settings: all) { stage in
            let scene = SecretScene(
                stage: stage, server: server, search: SecretSearch([secrets, secrets.wrong()]), secrets: secrets,
                tools: tools, settings: settings)
            try await body(scene)
        }
        try await folder.sweep()
    }

    func play() async throws {
        let watch = ProcessWatch(search, sparing: secrets.way == .values ? "rbd-plugin" : nil)
        do {
            try await life(of: "plain")
            try await failingTool()
            try await operate(stage.plugin, "right secrets")
            try await wrongSecrets()
            try await silentServers()
            try await life(of: "after")
        } catch {
            _ = await watch.end()
            throw error
        }
        let (seen, programs) = await watch.end()
        #expect(seen.isEmpty, "\(seen.sorted())")
        #expect(programs.isSuperset(of: ["rbd-plugin", "rbd-plugin-kernel"]), "\(programs.sorted())")
    }

    // MARK: What happens

    private func life(of stem: String) async throws {
        let (client, name) = (stage.client, uniqueName(stem))
        try await succeed("Create") { try await client.create(name, options: stage.options()) }
        try await succeed("Mount") { try await client.mount(name, id: "a") }
        _ = await search.answer("Get") { try await client.get(name) }
        _ = await search.answer("Path") { try await client.path(name) }
        _ = await search.answer("List") { try await client.list() }
        try await backends()
        search.add("etcd", try await server.etcdctl("get", "--prefix", "", user: "root:root"))
        try await succeed("Unmount") { try await client.unmount(name, id: "a") }
        try await succeed("Remove") { try await client.remove(name) }
    }

    private func failingTool() async throws {
        try await tools.withFailingMkfs {
            let name = uniqueName("unmade")
            try await eventually("a Create to fail with mkfs's words", within: .seconds(120)) {
                let answer = await search.answer("a Create whose mkfs fails") {
                    try await stage.client.create(name, options: stage.options())
                }
                return answer?.error.contains("no filesystem today") == true
            }
        }
    }

    private func wrongSecrets() async throws {
        let wrong = try secrets.wrong().settings()
        let right = try secrets.settings()
        for part in ["RBD_CONF_KEYRING", "ETCD_PASSWORD"] {
            let given = settings.merging(right) { $1 }.merging(wrong.filter { $0.key.hasPrefix(part) }) { $1 }
            try await stage.withAnotherNode(settings: given) { plugin, client in
                let name = uniqueName("refused")
                let answer = await search.answer("a Create with a wrong \(part)") {
                    try await client.create(name, options: stage.options())
                }
                #expect(answer?.succeeded != true, "nothing is made with a wrong \(part)")
                _ = await search.answer("a Get with a wrong \(part)") { try await client.get(name) }
                for path in ["/healthz", "/metrics"] { search.add(path, try await client.fetch(path).text) }
                try await operate(plugin, "a wrong \(part)")
                search.add("the log with a wrong \(part)", plugin.log)
                try await files(of: plugin)
            }
        }
    }

    private func silentServers() async throws {
        let client = stage.client
        try await stage.ceph.mon.disturbed(by: .pause) {
            let name = uniqueName("ceph-away")
            let answer = await search.answer("a Create without Ceph") {
                try await client.create(name, options: stage.options())
            }
            #expect(answer?.succeeded != true)
            try await backends()
        }
        for ending in ["frozen", "killed"] {
            if ending == "frozen" { server.freeze() } else { await server.kill() }
            let name = uniqueName("etcd-away")
            let answer = await search.answer("a Create with etcd \(ending)") {
                try await client.create(name, options: stage.options())
            }
            #expect(answer?.succeeded != true)
            _ = await search.answer("a Get with etcd \(ending)") { try await client.get(name) }
            try await operate(stage.plugin, "etcd \(ending)")
            try await backends()
            if ending == "frozen" { server.thaw() } else { try await server.restart() }
        }
    }

    // MARK: What is seen of it

    private func backends() async throws {
        for path in ["/healthz", "/metrics"] { search.add(path, try await stage.client.fetch(path).text) }
    }

    /// Every subcommand, as an operator runs it beside that plugin.
    private func operate(_ plugin: PluginProcess, _ occasion: String) async throws {
        let variables = plugin.settings.variables(for: plugin.environment, stateFolder: plugin.stateFolder)
        for words in [
            ["volume", "ls"], ["volume", "inspect", "none"], ["volume", "forget", "none"], ["mount", "ls", "--json"],
            ["mount", "release", "none"], ["node", "ls"], ["--version"], ["serve", "--help"],
        ] {
            let said = try await runTool(
                try PluginProcess.executable(), words, settings: variables.mapValues { $0 }, within: .seconds(120))
            search.add("rbd-plugin \(words.joined(separator: " ")) with \(occasion)", said.output + said.error)
        }
    }

    /// What is left at the end: logs, records, files, and what the tools were given.
    func lookAround() async throws {
        search.add("the log", stage.plugin.log)
        search.add("etcd at the end", try await server.etcdctl("get", "--prefix", "", user: "root:root"))
        search.add("what tools were given", tools.calls)
        try await files(of: stage.plugin)
    }

    /// Only the keyring holds the key, and nobody but root reads it.
    private func files(of plugin: PluginProcess) async throws {
        for file in try FileManager.default.subpathsOfDirectory(atPath: plugin.scratch.path) {
            let path = "\(plugin.scratch.path)/\(file)"
            guard let content = regularFile(path) else { continue }
            let found = search.knownSecrets(in: content)
            guard found.contains("the Ceph key"), file.hasPrefix("state/"), file.contains("keyring") else {
                search.add("the file \(file)", content)
                continue
            }
            #expect(Set(found).isSubset(of: ["the Ceph key", "the end of the Ceph key"]), "\(file): \(found)")
            #expect(try await stat(path, "%a %u") == "600 0", "\(file)")
            search.add("a keyring", "it is there")
        }
    }

    private func regularFile(_ path: String) -> String? {
        let type = (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType
        return type == .typeRegular ? try? text(of: path) : nil
    }

    /// A search in nothing finds nothing.
    func expectEverythingWasLookedAt() {
        for place in [
            "the log", "etcd", "etcd at the end", "what tools were given", "a keyring", "/healthz", "/metrics",
            "the answer to Get", "the answer to a Create whose mkfs fails", "rbd-plugin volume ls with right secrets",
            "rbd-plugin volume ls with a wrong ETCD_PASSWORD", "the log with a wrong RBD_CONF_KEYRING",
        ] { #expect(search.places.contains(place), "\(place)") }
    }

    private func succeed(_ call: String, _ make: () async throws -> PluginAnswer) async throws {
        var last = ""
        try await eventually("\(call) to succeed: \(last)", within: .seconds(120)) {
            let answer = await search.answer(call, make)
            last = answer?.error ?? ""
            return answer?.succeeded == true
        }
    }
}
