import Rig
import Synchronization

/// The plugin that is looked at: its socket, and what it takes to create a volume there.
public final class Subject: Sendable {
    public let socket: String
    /// What Docker is told with `--opt`.
    public let options: [String: String]
    private let volumes = Mutex<[String: Set<String>]>([:])

    public init(socket: String, options: [String: String]) {
        self.socket = socket
        self.options = options
    }

    var client: PluginClient { PluginClient(socket: socket, within: .seconds(60)) }

    /// A name of its own that goes when the case is over.
    func name(_ stem: String) -> String {
        let name = uniqueName(stem)
        volumes.withLock { $0[name] = [] }
        return name
    }

    func volume(_ stem: String) async throws -> String {
        let name = name(stem)
        try await client.create(name, options: options).checked()
        return name
    }

    /// Mounts under an id that is given back when the case is over.
    @discardableResult
    func mount(_ volume: String, _ id: String) async throws -> String {
        volumes.withLock { _ = $0[volume, default: []].insert(id) }
        let mountpoint = try await client.mount(volume, id: id).checked().mountpoint
        try require(mountpoint.hasPrefix("/"), "Mount answered with the mountpoint '\(mountpoint)'")
        return mountpoint
    }

    func unmount(_ volume: String, _ id: String) async throws {
        try await client.unmount(volume, id: id).checked()
    }

    /// Whether it shows no more sign of the volume's being mounted than a refusal to tell its path.
    func isMounted(_ volume: String) async throws -> Bool {
        let path = try await client.path(volume)
        return path.succeeded && !path.mountpoint.isEmpty
    }

    func cleanUp() async {
        let made = volumes.withLock { volumes in
            defer { volumes = [:] }
            return volumes
        }
        for (volume, ids) in made {
            // Twice: a case may have been called off between two mounts of one id.
            for id in Array(ids) + Array(ids) { _ = try? await client.unmount(volume, id: id) }
            _ = try? await client.remove(volume)
        }
    }
}
