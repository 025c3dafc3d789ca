import Rig
import Testing

extension EngineTests {
    /// `docker run -v NAME:…` without a driver: Docker asks every plugin, and where none knows the name, makes a local volume.
    @Suite("A driver that is not named")
    struct ForgottenDriverTests {
        @Test(
            "E11: a name alone makes Docker use a local volume while the plugin is disabled; with its driver it refuses"
        )
        func e11PluginDisabled() async throws {
            try await Self.withVolume { plugin, volume, _ in
                let engine = plugin.engine
                try await engine.docker("plugin", "disable", "--force", plugin.name)
                let run = ["run", "--rm", "--network", "none", "--pull", "never"]
                let mount = "type=volume,source=\(volume),destination=/data,volume-driver=\(plugin.name)"
                let named = try await engine.run(run + ["--mount", mount, BusyboxImage.name, "true"])
                #expect(!named.succeeded && named.error.contains(plugin.name), "\(named.error)")
                #expect(try await !engine.docker("volume", "ls", "--quiet").contains(volume))

                try await plugin.run("touch /data/file", on: volume)
                #expect(try await engine.docker("volume", "inspect", "--format", "{{.Driver}}", volume) == "local")
                try await engine.docker("volume", "rm", volume)
            }
        }

        @Test("E11: with etcd away when the plugin starts, a container gets its volume as soon as etcd is there again")
        func e11EtcdComesBack() async throws {
            try await Self.withVolume { plugin, volume, etcd in
                let engine = plugin.engine
                try await engine.docker("plugin", "disable", "--force", plugin.name)
                await etcd.kill()
                try await engine.docker("plugin", "enable", "--timeout", "100", plugin.name)
                let command = ["run", "--rm", "--network", "none", "--volume", "\(volume):/data", BusyboxImage.name]
                async let printed = engine.run(command + ["df", "/data"], within: .seconds(300))
                // A socket that somebody's plugin has left on this machine holds Docker up for half a minute.
                try await eventually("Docker to ask for the volume", within: .seconds(120)) {
                    try await plugin.isAskedForAVolume()
                }
                try await etcd.restart()
                let result = try await printed
                #expect(result.output.contains("/dev/"), "\(result.output)\(result.error)")
                let driver = try await engine.docker("volume", "inspect", "--format", "{{.Driver}}", volume)
                #expect(driver == "\(plugin.name):latest")
                try await plugin.remove(volume)
            }
        }

        /// An engine that has never heard of the volume, which the plugin has from elsewhere, and an etcd of its own.
        private static func withVolume(_ body: (ManagedPlugin, String, EtcdServer) async throws -> Void) async throws {
            let package = try await SharedEngine.package
            try await EtcdServer.with { etcd in
                let environment = try RigEnvironment.required().using(etcd: [etcd.url])
                try await DockerEngine.with(in: environment) { engine in
                    let (plugin, volume) = (ManagedPlugin("wetopi/rbd", in: engine), uniqueName("unheard-of"))
                    try await engine.docker("plugin", "create", plugin.name, package.folder)
                    // Long, so that a slow machine has etcd up again in time.
                    try await plugin.set(try plugin.settings + ["OPERATION_TIMEOUT=90s"])
                    try await plugin.enable()
                    try await plugin.client.create(volume, options: ["pool": environment.pool, "size": "32"]).checked()
                    try await body(plugin, volume, etcd)
                }
            }
        }
    }
}

extension ManagedPlugin {
    /// Whether a Get is under way.
    fileprivate func isAskedForAVolume() async throws -> Bool {
        let shown = try await client.fetch("/metrics").text
        return shown.split(separator: "\n").contains {
            $0.hasPrefix("rbd_plugin_operations_in_flight{") && $0.contains("\"get\"") && !$0.hasSuffix(" 0")
        }
    }
}
