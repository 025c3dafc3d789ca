import FoundationEssentials
import Rig
import Testing

/// What `rbd-plugin doctor --bundle` hands out.
@Suite("The doctor's bundle")
struct DoctorBundleTests {
    @Test(
        "The bundle has what an engineer needs, only its owner can read it, and no secret of any place is in it",
        arguments: SeededSecrets.Way.allCases)
    func withoutSecrets(way: SeededSecrets.Way) async throws {
        let rig = try RigEnvironment.required()
        let certificates = try await EtcdCertificates.make()
        defer { certificates.remove() }
        var options = EtcdServer.Options()
        options.certificates = certificates
        options.requiresClientCertificate = true
        try await EtcdServer.with(options) { server in
            let folder = try ScratchFolder("bundle", of: rig)
            let password = uniqueName("s3cret-password")
            try await server.enableAuthentication(
                rootPassword: "root", user: "docker", password: password, prefix: "test")
            let secrets = try SeededSecrets(way, right: rig, password: password, certificates, folder: folder.path)
            let settings = try secrets.settings()
            try await Stage.with(rig.using(etcd: [server.url]), settings: settings) { stage in
                let name = uniqueName("kept")
                try await eventually("a Create", within: .seconds(60)) {
                    try await stage.client.create(name, options: stage.options()).succeeded
                }
                try await stage.client.mount(name, id: "a").checked()
                // Secrets where nobody should put them: a record, settings that are refused or unknown.
                try await server.etcdctl(
                    "put", "\(stage.prefix)volumes/odd", "a note: \(password)", user: "root:root")
                let odd: [String: String?] = [
                    "RBD_CONF_CLIENT_KEY": try text(of: rig.cephKeyFile).filter { !$0.isWhitespace }
                ]
                for (occasion, others) in [("well", [:]), ("broken", odd)] {
                    let archive = "\(folder.path)/\(occasion).tar.gz"
                    try await bundle(stage, archive, settings: others)
                    try await check(archive, in: folder.path, SecretSearch([secrets]), stage, name, occasion)
                }
            }
            try await folder.sweep()
        }
    }

    @Test("A file that is there is not overwritten, and the bundle's failure is told with status 2")
    func existingFile() async throws {
        try await Stage.with(started: false) { stage in
            let file = "\(stage.plugin.scratch.path)/there.tar.gz"
            try write("precious", to: file)
            let result = try await stage.operate(["doctor", "--bundle", file])
            #expect(result.status == 2 && result.error.contains(file), "\(result)")
            #expect(try text(of: file) == "precious")
            #expect(result.output.contains("etcd member"), "what was found is shown all the same")
        }
    }

    private func bundle(_ stage: Stage, _ archive: String, settings: [String: String?]) async throws {
        var variables = stage.plugin.settings.variables(for: stage.environment, stateFolder: stage.plugin.stateFolder)
        for (name, value) in settings { variables[name] = value }
        let result = try await runTool(
            try PluginProcess.executable(),
            ["doctor", "--socket", stage.plugin.socket, "--mount-root", stage.plugin.mountRoot, "--bundle", archive],
            settings: variables.mapValues { $0 }, within: .seconds(120))
        #expect(result.error.isEmpty, "\(result.error)")
    }

    private func check(
        _ archive: String, in folder: String, _ search: SecretSearch, _ stage: Stage, _ name: String, _ occasion: String
    ) async throws {
        #expect(try await stat(archive, "%a %u") == "600 0")
        let listed = try await runTool("tar", ["--list", "--file", archive]).checked().output
        let files = listed.split(separator: "\n").map(String.init).filter { !$0.hasSuffix("/") }
        var texts: [String: String] = [:]
        for file in files {
            let content = try await runTool("tar", ["--extract", "--to-stdout", "--file", archive, file]).checked()
                .output
            texts[String(file.split(separator: "/").last ?? "")] = content
            search.add("\(occasion): \(file)", content)
        }
        search.expectNothing()
        #expect(
            Set(texts.keys).isSuperset(of: [
                "doctor.txt", "doctor.json", "settings.txt", "versions.txt", "records.txt", "mounts.txt",
                "rbd-devices.txt",
                "log.txt", "health-0.json", "metrics-0.txt",
            ]), "\(texts.keys.sorted())")
        #expect(texts["settings.txt"]?.contains("NODE_NAME=\(stage.plugin.settings.node)\n") == true)
        #expect(texts["mounts.txt"]?.contains(name) == true)
        #expect(texts["health-0.json"]?.contains("components") == true)
        #expect(texts["metrics-0.txt"]?.contains("rbd_plugin_") == true)
        #expect(texts["records.txt"]?.contains("\(stage.prefix)volumes/\(name)") == true)
        #expect(texts["records.txt"]?.contains("a note: <secret>") == true, "it was there to be found")
        let report = try JSONValue(parsing: texts["doctor.json"] ?? "")
        #expect(report["node"]?.string == stage.plugin.settings.node)
        #expect(texts["doctor.txt"]?.contains("volumes/odd") == true)
    }
}
