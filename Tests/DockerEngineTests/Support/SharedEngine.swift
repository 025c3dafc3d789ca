import Rig

/// One engine with the plugin enabled in it, for all tests that need nothing else. It comes up at its first use and
/// goes with the rig.
enum SharedEngine {
    private static let keeper = Keeper()

    static var plugin: ManagedPlugin {
        get async throws { try await keeper.plugin }
    }

    /// The package that the shared engine's plugin was made of.
    static var package: PluginPackage {
        get async throws { try await keeper.package }
    }

    private actor Keeper {
        private var bringingUp: Task<ManagedPlugin, any Error>?
        private var packing: Task<PluginPackage, any Error>?

        var plugin: ManagedPlugin {
            get async throws {
                let task = bringingUp ?? Task { try await Self.bringUp(from: try await self.package) }
                bringingUp = task
                return try await task.value
            }
        }

        var package: PluginPackage {
            get async throws {
                let task = packing ?? Task { try await PluginPackage.make(in: .required()) }
                packing = task
                return try await task.value
            }
        }

        private static func bringUp(from package: PluginPackage) async throws -> ManagedPlugin {
            let engine = try DockerEngine(.required())
            try await engine.start()
            try await BusyboxImage.load(into: engine)
            let plugin = ManagedPlugin("wetopi/rbd", in: engine)
            try await plugin.create(from: package)
            return plugin
        }
    }
}
