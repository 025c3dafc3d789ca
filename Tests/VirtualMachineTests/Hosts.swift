import FoundationEssentials
import Rig

/// Two virtual machines with the kernel's rbd driver, and the Ceph and etcd that they share.
///
/// They are brought up once, on a network of their own, and go with the shared rig. Their users take turns.
struct Hosts: Sendable {
    let environment: RigEnvironment
    let a: Host
    let b: Host

    private static let pair = Pair()

    /// The settings of both plugins. An emulated processor is some thirty times slower than a real one, so that each
    /// operation gets more time than Docker would give it.
    private static let settings = [
        "RBD_MAPPER=krbd", "LOG_LEVEL=debug", "OPERATION_TIMEOUT=100s", "CEPH_TIMEOUT=25s", "ETCD_TIMEOUT=7s",
        "NODE_TTL=15s", "MOUNT_WAIT=15s",
    ]

    /// Both hosts, powered on, with plugins that answer, and with nothing mounted.
    static func ready() async throws -> Hosts {
        let hosts = try await pair.get()
        async let a: Void = hosts.a.makeReady()
        async let b: Void = hosts.b.makeReady()
        _ = try await (a, b)
        return hosts
    }

    fileprivate static func bringUp() async throws -> Hosts {
        let folder = try await folderOfRunningRig()
        let environment = try RigEnvironment(of: folder)
        return Hosts(environment: environment, a: Host("a", of: environment), b: Host("b", of: environment))
    }

    /// `RIG_VM` names one that was brought up by hand, and that stays up for the next run, while one works on a test.
    private static func folderOfRunningRig() async throws -> String {
        if let standing = ProcessInfo.processInfo.environment["RIG_VM"] { return standing }
        let shared = try RigEnvironment.required()
        let folder = shared.scratch + "/vm"
        let program = try PluginProcess.executable()
        try await runTool(shared.scripts + "/vm/up", [folder, program] + settings, within: .seconds(400)).checked()
        return folder
    }

    /// Runs the body while the monitor listens for the second protocol only.
    func withSecondProtocolOnly(_ body: () async throws -> Void) async throws {
        let both = environment.monHost
        // "[v2:IP:PORT,v1:IP:PORT]"
        guard let second = both.split(whereSeparator: "[],".contains).first(where: { $0.hasPrefix("v2:") }) else {
            throw RigFailure("the monitor has no address for the second protocol: \(both)")
        }
        try await after({ try await setMonitorAddresses(both) }) {
            try await setMonitorAddresses("[\(second)]")
            try await body()
        }
    }

    /// The monitor starts itself anew on them, which takes a moment.
    private func setMonitorAddresses(_ addresses: String) async throws {
        try await ceph("mon", "set-addrs", "a", addresses)
        try await eventually("the monitor to listen on \(addresses)") {
            try await ceph("mon", "dump").output.contains("v1:") == addresses.contains("v1:")
        }
    }

    /// Runs the body while Ceph's own configuration has an option.
    func withCephOption(_ who: String, _ option: String, _ value: String, _ body: () async throws -> Void) async throws
    {
        try await after({ try await ceph("config", "rm", who, option) }) {
            try await ceph("config", "set", who, option, value)
            try await body()
        }
    }

    /// Runs the body and then, whatever it did, what puts things right again.
    private func after(
        _ putRight: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch {
            // Shielded from cancellation.
            try? await Task { try await putRight() }.value
            throw error
        }
        try await putRight()
    }

    @discardableResult
    private func ceph(_ arguments: String...) async throws -> ToolResult {
        try await inNetwork(["ceph", "--conf", environment.adminConf] + arguments)
    }

    /// Runs a tool in the network of the servers: outside of it nobody reaches them.
    @discardableResult
    func inNetwork(_ arguments: String...) async throws -> ToolResult { try await inNetwork(arguments) }

    private func inNetwork(_ arguments: [String]) async throws -> ToolResult {
        let namespace = try Text.ofFile(environment.folder + "/vm/namespace").trimmed
        return try await runTool("ip", ["netns", "exec", namespace] + arguments, within: .seconds(60)).checked()
    }
}

/// Whoever asks first brings the hosts up; the others wait for it, and share its failure.
private actor Pair {
    private var bringingUp: Task<Hosts, any Error>?

    func get() async throws -> Hosts {
        let task = bringingUp ?? Task { try await Hosts.bringUp() }
        bringingUp = task
        return try await task.value
    }
}
