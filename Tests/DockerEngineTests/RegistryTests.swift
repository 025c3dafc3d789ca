import Rig
import Testing

extension EngineTests {
    /// Plugins that come from a registry, and newer ones that take their place.
    @Suite("Registry")
    struct RegistryTests {
        @Test("Pushed, installed with settings, upgraded to a version with more settings while a container writes")
        func upgrade() async throws {
            try await Self.withRegistry { registry, engine in
                let source = "\(registry.address)/wetopi/rbd:stable"
                let old = try await SharedEngine.package.version("old")
                try old.removeSettings(PluginPackage.addedSettings)
                try old.widenMounts()
                try await old.push(as: source, by: engine)
                let plugin = ManagedPlugin("wetopi/rbd", in: engine)
                try await plugin.install(from: source)
                try await plugin.upgradesUnderContainer(adding: PluginPackage.addedSettings) {
                    try await SharedEngine.package.version("new").push(as: source, by: engine)
                }
            }
        }

        @Test("Removed by force while a container runs and installed again, it finds its volumes")
        func installedAgain() async throws {
            try await Self.withRegistry { registry, engine in
                let source = "\(registry.address)/wetopi/rbd:stable"
                try await SharedEngine.package.version("only").push(as: source, by: engine)
                let plugin = ManagedPlugin("wetopi/rbd", in: engine)
                try await plugin.install(from: source)
                let volume = try await plugin.volume("reinstalled")
                let user = try await plugin.container(on: volume)
                try await plugin.exec(user, "echo kept >/data/file && sync")

                try await plugin.settle()
                try await engine.docker("plugin", "rm", "--force", plugin.name)
                try await plugin.install(from: source)
                #expect(try await plugin.runOnceFree("cat /data/file; echo more >>/data/file", on: volume) == "kept")
                #expect(try await plugin.mappings(of: volume).count <= 1)
                try await engine.docker("rm", "--force", user)
                #expect(try await plugin.run("cat /data/file", on: volume) == "kept\nmore")
                try await plugin.removeStranded(volume)
            }
        }

        private static func withRegistry(_ body: (Registry, DockerEngine) async throws -> Void) async throws {
            try await Registry.with(.required()) { registry in
                try await DockerEngine.with(trusting: registry.certificate) { try await body(registry, $0) }
            }
        }
    }
}

extension PluginPackage {
    /// Settings that an older version is made without.
    static let addedSettings: Set<String> = [
        "NODE_TTL", "MOUNT_WAIT", "BLOCKLIST_EXPIRY", "ETCD_CA", "RBD_DEFAULT_FEATURES", "LOG_FORMAT",
    ]

    /// As `make push` does it.
    ///
    /// - Parameter staying: whether it stays in the engine, which then has no need to fetch it, but finds nothing to
    ///   install under this name.
    func push(as name: String, by engine: any Engine, staying: Bool = false) async throws {
        try await engine.docker("plugin", "create", name, folder)
        try await engine.docker("plugin", "push", name)
        if !staying { try await engine.docker("plugin", "rm", name) }
    }
}

extension ManagedPlugin {
    /// `docker plugin install`, with its settings behind it.
    func install(from source: String) async throws {
        let arguments = ["plugin", "install", "--grant-all-permissions", "--alias", name, source]
        let result = try await engine.run(arguments + (try settings))
        guard result.succeeded else {
            throw RigFailure("\(result.error)\nThe daemon's log:\n\(engine.log.suffix(4000))")
        }
    }

    /// The settings that this version offers.
    func settingNames() async throws -> Set<String> {
        let inspected = try JSONValue(parsing: try await engine.docker("plugin", "inspect", name)).array
        return Set((inspected.first?["Config"]?["Env"]?.array ?? []).compactMap { $0["Name"]?.string })
    }

    /// What a setting is set to; nil when the plugin's environment does not have it.
    func value(of setting: String) async throws -> String? {
        let inspected = try JSONValue(parsing: try await engine.docker("plugin", "inspect", name)).array
        let variables = (inspected.first?["Settings"]?["Env"]?.array ?? []).compactMap(\.string)
        return variables.first { $0.hasPrefix(setting + "=") }.map { String($0.dropFirst(setting.count + 1)) }
    }
}
