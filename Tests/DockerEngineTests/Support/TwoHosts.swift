import Rig

/// Two hosts and a cluster, as far as networks go: a Ceph and an etcd, and two engines, each in a network namespace of
/// its own, all on one bridge.
struct TwoHosts: Sendable {
    let environment: RigEnvironment
    let engines: [DockerEngine]
    static let addresses = ["10.87.0.11", "10.87.0.12"]

    static func with(_ body: (TwoHosts) async throws -> Void) async throws {
        let shared = try RigEnvironment.required()
        let lastStep = shared.folder.split(separator: "/").last ?? ""
        // What `rig/down` knows the namespaces by.
        let stem = String(lastStep.split(separator: ".").last ?? "")
        let names = ["\(stem)-hub", "\(stem)-a", "\(stem)-b"]
        do {
            try await connect(names)
            let environment = try await RigEnvironment.bringUp("swarm", in: names[0], address: "10.87.0.1")
            do {
                let engines = [try DockerEngine(environment), try DockerEngine(environment)]
                for (engine, name) in zip(engines, names.dropFirst()) {
                    try await engine.start(in: name)
                    try await BusyboxImage.load(into: engine)
                }
                try await body(TwoHosts(environment: environment, engines: engines))
            } catch {
                try? await environment.takeDown()
                throw error
            }
            try await environment.takeDown()
        } catch {
            await disconnect(names)
            throw error
        }
        await disconnect(names)
    }

    private static func connect(_ names: [String]) async throws {
        let hub = names[0]
        for name in names {
            try await ip("netns", "add", name)
            try await ip("-n", name, "link", "set", "lo", "up")
        }
        try await ip("-n", hub, "link", "add", "br0", "type", "bridge")
        try await ip("-n", hub, "address", "add", "10.87.0.1/24", "dev", "br0")
        try await ip("-n", hub, "link", "set", "br0", "up")
        for (name, address) in zip(names.dropFirst(), addresses) {
            let port = "port\(address.suffix(2))"
            try await ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            try await ip("-n", hub, "link", "set", port, "master", "br0", "up")
            try await ip("-n", name, "address", "add", "\(address)/24", "dev", "eth0")
            try await ip("-n", name, "link", "set", "eth0", "up")
        }
    }

    private static func disconnect(_ names: [String]) async {
        await Task { for name in names { _ = try? await runTool("ip", ["netns", "delete", name]) } }.value
    }

    private static func ip(_ arguments: String...) async throws { try await runTool("ip", arguments).checked() }
}
