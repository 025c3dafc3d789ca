import Rig

/// Volumes and containers as a user makes them.
extension ManagedPlugin {
    /// `docker volume create` with the pool and size of the examples, under a name of its own.
    func volume(_ stem: String, _ options: [String] = []) async throws -> String {
        let volume = uniqueName(stem)
        let all = ["pool=\(environment.pool)", "size=206"] + options
        try await engine.run(["volume", "create", "--driver", name] + all.flatMap { ["--opt", $0] } + [volume])
            .checked()
        return volume
    }

    /// Runs a shell command in a container of its own with the volume at `/data`, and returns what it printed.
    ///
    /// - Parameter mount: what follows the volume's name, such as `/data:ro`.
    @discardableResult
    func run(_ command: String, on volume: String, at mount: String = "/data", _ options: [String] = [])
        async throws -> String
    {
        let arguments = ["run", "--rm", "--network", "none", "--volume", "\(volume):\(mount)"] + options
        let result = try await engine.run(arguments + [BusyboxImage.name, "sh", "-c", command]).checked()
        return result.output.last == "\n" ? String(result.output.dropLast()) : result.output
    }

    /// Starts a container that lives until it is removed.
    ///
    /// - Returns: its name.
    func container(on volume: String, command: String = "sleep 1000", _ options: [String] = []) async throws -> String {
        let container = uniqueName("c")
        // Without --init the shell is process 1 and does not hear SIGTERM.
        let arguments = ["run", "--detach", "--name", container, "--network", "none", "--volume", "\(volume):/data"]
        let script = "trap 'exit 0' TERM; \(command) & wait"
        try await engine.run(arguments + options + [BusyboxImage.name, "sh", "-c", script]).checked()
        return container
    }

    /// A command in a running container.
    @discardableResult
    func exec(_ container: String, _ command: String) async throws -> String {
        try await engine.docker("exec", container, "sh", "-c", command)
    }

    /// Runs the plugin's program as an operator does on any machine with the plugin's settings.
    func operate(_ arguments: String...) async throws {
        let settings = PluginSettings(etcdPrefix: prefix)
        let variables = settings.variables(for: environment, stateFolder: engine.scratch.path + "/operator")
        try await runTool(
            try PluginProcess.executable(), arguments, settings: variables.mapValues { $0 }, within: .seconds(90)
        ).checked()
    }

    /// Makes a policy, as an operator does.
    func upload(_ policy: String, _ text: String) async throws {
        let file = engine.scratch.path + "/policy.json"
        try write(text, to: file)
        let settings = PluginSettings(etcdPrefix: prefix)
        let variables = settings.variables(for: environment, stateFolder: engine.scratch.path + "/operator")
        try await runTool(
            "sh", ["-c", #""$1" policy upload "$2" < "$3""#, "sh", try PluginProcess.executable(), policy, file],
            settings: variables.mapValues { $0 }, within: .seconds(90)
        ).checked()
    }

    /// Nothing of the volume is in the kernel or recorded as mounted, and Docker lets it be removed.
    func remove(_ volume: String) async throws {
        var held: [String] = []
        try await eventually("the volume \(volume) to be unmounted: \(held)", within: engine.patience) {
            held = try await holdings(of: volume)
            guard held.isEmpty else { return false }
            return try await mountRecord(of: volume) == nil
        }
        try await engine.docker("volume", "rm", volume)
    }

    /// What the kernel holds for one volume: mounts, and how its image is mapped.
    func holdings(of volume: String) async throws -> [String] {
        try await engine.mounts(of: volume) + mappings(of: volume)
    }

    /// How often the volume's image is mapped, as sentences.
    func mappings(of volume: String) async throws -> [String] { try await engine.mappings(of: volume) }
}
