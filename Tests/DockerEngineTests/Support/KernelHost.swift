import FoundationEssentials
import Rig

/// The virtual machine with the kernel's driver, brought up at its first use; it goes with the rig.
struct KernelHost: Sendable {
    let engine: GuestEngine
    /// Installed from ``source`` when that was an older version, and enabled.
    let plugin: ManagedPlugin
    /// Where a newer version is in the registry.
    let source: String
    /// The Debian package, in the virtual machine.
    static let package = "/srv/rbd-plugin.deb"

    private static let keeper = Keeper()

    static var ready: KernelHost {
        get async throws {
            let host = try await keeper.host
            // A test that failed may have left it so.
            let state = ["plugin", "inspect", "--format", "{{.Enabled}}", host.plugin.name]
            if try await host.engine.run(state).checked().output == "false\n" { try await host.plugin.enable() }
            return host
        }
    }

    private actor Keeper {
        private var bringingUp: Task<KernelHost, any Error>?

        var host: KernelHost {
            get async throws {
                let task = bringingUp ?? Task { try await KernelHost.bringUp() }
                bringingUp = task
                return try await task.value
            }
        }
    }

    private static func bringUp() async throws -> KernelHost {
        let shared = try RigEnvironment.required()
        let folder = shared.scratch + "/k"
        try await runTool(shared.scripts + "/vm/servers", [folder], within: .seconds(180)).checked()
        let namespace = try text(of: folder + "/vm/namespace").filter { !$0.isWhitespace }
        let environment = try RigEnvironment(of: folder).inside(namespace)
        let registry = try await Registry(environment, at: "10.77.0.1")
        let source = "\(registry.address)/wetopi/rbd:stable"
        let files = try await prepare(source, of: registry, in: environment)
        try await runTool(shared.scripts + "/vm/docker", [folder, files], within: .seconds(400)).checked()

        let engine = try GuestEngine(environment)
        try await engine.waitForDocker()
        let certificate = try text(of: registry.certificate)
        let trusted = "/etc/docker/certs.d/\(registry.address)"
        try await engine.script("mkdir -p \(trusted) && cat >\(trusted)/ca.crt <<'END'\n\(certificate)\nEND")
        let plugin = ManagedPlugin("wetopi/rbd", in: engine)
        try await plugin.set(try plugin.settings)
        try await plugin.enable()
        return KernelHost(engine: engine, plugin: plugin, source: source)
    }

    /// What an engine of this machine does in a moment: `docker plugin install` of the older version, `push` of the newer
    /// one, and `docker import`. Its data become the virtual machine's.
    ///
    /// - Returns: a folder with the virtual machine's files.
    private static func prepare(
        _ source: String, of registry: Registry, in environment: RigEnvironment
    ) async throws -> String {
        let package = try await PluginPackage.make(in: environment, forThisMachine: false)
        let older = try await package.version("older")
        try older.removeSettings(PluginPackage.addedSettings)
        try older.widenMounts()
        let files = environment.scratch + "/files"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        async let packed: Void = PluginPackage.makeDebianPackage(files + "/rbd-plugin.deb", in: environment)
        try await PluginPackage.copyRuntime(of: try PluginProcess.executable(), to: files + "/lib")

        let engine = try DockerEngine(RigEnvironment.required())
        do {
            try await engine.start(in: environment.namespace, trusting: registry.certificate)
            try await BusyboxImage.load(into: engine)
            try await older.push(as: source, by: engine)
            try await engine.docker(
                "plugin", "install", "--disable", "--grant-all-permissions", "--alias", "wetopi/rbd", source)
            // It stays, so that the emulated processor has nothing to decipher: only to unpack.
            try await package.version("newer").push(as: source, by: engine, staying: true)
            try await engine.stop()
            try FileManager.default.moveItem(atPath: engine.scratch.path + "/data", toPath: files + "/docker")
        } catch {
            try? await engine.end()
            throw error
        }
        try await engine.end()
        try await packed
        return files
    }
}
