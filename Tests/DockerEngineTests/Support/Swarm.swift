import Rig

/// A Swarm, the first of whose engines is its manager.
struct Swarm: Sendable {
    let plugins: [ManagedPlugin]
    /// The Swarm's name of each engine.
    private let ids: [String]

    struct Task: Equatable, Sendable {
        /// Which engine it runs on.
        let engine: Int
        let container: String
    }

    var manager: any Engine { plugins[0].engine }

    init(_ plugins: [ManagedPlugin], at addresses: [String]) async throws {
        self.plugins = plugins
        try await plugins[0].engine.docker(
            "swarm", "init", "--advertise-addr", addresses[0], "--listen-addr", "\(addresses[0]):2377")
        let token = try await plugins[0].engine.docker("swarm", "join-token", "--quiet", "worker")
        for (plugin, address) in zip(plugins, addresses).dropFirst() {
            try await plugin.engine.docker(
                "swarm", "join", "--token", token, "--advertise-addr", address, "\(addresses[0]):2377")
        }
        var ids: [String] = []
        for plugin in plugins {
            ids.append(try await plugin.engine.docker("info", "--format", "{{.Swarm.NodeID}}"))
        }
        self.ids = ids
    }

    /// `docker service create` of tasks that wait to be told what to do.
    func create(_ service: String, replicas: Int, _ mount: String) async throws {
        try await manager.docker(
            "service", "create", "--detach", "--name", service, "--replicas", "\(replicas)", "--mount", mount,
            "--network", "host", "--stop-grace-period", "5s", BusyboxImage.name, "sh", "-c",
            "trap 'exit 0' TERM; while true; do sleep 1; done")
    }

    /// Waits until so many tasks of the service run in all, and returns them.
    func tasks(of service: String, count: Int) async throws -> [Task] {
        var tasks: [Task] = []
        try await eventually("\(service) to have \(count) running tasks: \(tasks)", within: .seconds(90)) {
            tasks = try await running(service)
            guard tasks.count == count else { return false }
            // One that cannot start is replaced again and again: it has to be up a moment later too.
            try await _Concurrency.Task.sleep(for: .milliseconds(500))
            return try await running(service) == tasks
        }
        return tasks
    }

    /// Waits until the service's one task is another than before.
    func soleTask(of service: String, otherThan former: Task? = nil) async throws -> Task {
        var tasks: [Task] = []
        try await eventually("\(service) to run, and not as \(String(describing: former))", within: .seconds(90)) {
            tasks = try await running(service)
            return tasks.count == 1 && tasks.first != former
        }
        guard let task = tasks.first else { throw RigFailure("\(service) does not run") }
        return task
    }

    private func running(_ service: String) async throws -> [Task] {
        var tasks: [Task] = []
        for (index, plugin) in plugins.enumerated() {
            let filter = "label=com.docker.swarm.service.name=\(service)"
            let containers = try await plugin.engine.docker("ps", "--quiet", "--filter", filter)
            tasks += containers.split(separator: "\n").map { Task(engine: index, container: String($0)) }
        }
        return tasks
    }

    @discardableResult
    func exec(_ task: Task, _ command: String) async throws -> String {
        try await plugins[task.engine].exec(task.container, command)
    }

    /// The volume that the task has at /data.
    func volume(of task: Task) async throws -> String {
        try await plugins[task.engine].engine.docker(
            "inspect", "--format", "{{(index .Mounts 0).Name}}", task.container)
    }

    /// `NODE_NAME` of the engine's plugin.
    func node(_ engine: Int) -> String { plugins[engine].node }

    /// The volume's Status, as every node tells it.
    func status(of volume: String) async throws -> JSONValue? {
        try JSONValue(parsing: try await manager.docker("volume", "inspect", volume)).array.first?["Status"]
    }

    func setAvailability(_ availability: String, of engine: Int) async throws {
        try await manager.docker("node", "update", "--availability", availability, ids[engine])
    }

    /// Containers of a removed service go by themselves, and only then the volume can.
    func removeVolume(_ volume: String) async throws {
        try await manager.removeWhenPossible(volume, within: .seconds(60))
        for plugin in plugins {
            try await eventually("\(volume) to be given back") { try await plugin.holdings(of: volume).isEmpty }
        }
    }
}
