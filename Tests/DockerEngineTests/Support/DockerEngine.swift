import FoundationEssentials
import Glibc
import Rig
import Synchronization

/// A Docker engine of the tests' own: containerd and dockerd, all folders and sockets below one scratch folder.
///
/// They are two processes, as Debian's services are: containerd goes on when dockerd ends. No bridge and no firewall rules
/// are made; containers have no network unless they are given one.
final class DockerEngine: Engine {
    let environment: RigEnvironment
    let scratch: ScratchFolder
    private let containerd: Mutex<SpawnedProcess?>
    private let dockerd: Mutex<SpawnedProcess?>
    /// How it was started.
    private let invocation = Mutex<Invocation?>(nil)

    var logFile: String { scratch.path + "/dockerd.log" }
    var host: String { "unix://\(scratch.path)/docker.sock" }

    init(_ environment: RigEnvironment) throws {
        self.environment = environment
        // Short: a plugin's state folder has to fit into 62 bytes.
        scratch = try ScratchFolder("d", of: environment)
        containerd = Mutex(nil)
        dockerd = Mutex(nil)
    }

    /// Starts the engine; after dockerd has ended, dockerd again, with what it finds in its folders.
    ///
    /// - Parameters:
    ///   - options: of dockerd, such as `--live-restore`.
    ///   - namespace: the network namespace to run in.
    ///   - authority: a certificate that is trusted when the engine speaks to a registry.
    ///   - ownFolders: whether it has folders /run/docker and /mnt of its own, so that nobody else's Docker finds the
    ///     plugins that are put there.
    func start(
        _ options: [String] = [], in namespace: String? = nil, trusting authority: String? = nil,
        ownFolders: Bool = false
    ) async throws {
        invocation.withLock { $0 = Invocation(options: options, namespace: namespace, authority: authority) }
        // Not `ip netns exec`: that hides the control groups below /sys.
        let prefix = namespace.map { ["nsenter", "--net=/run/netns/\($0)"] } ?? []
        var variables = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"]
        // Go's way of naming the authorities; Docker's own would be a folder below /etc.
        variables["SSL_CERT_FILE"] = authority
        if containerd.withLock({ $0?.poll() != nil || $0 == nil }) {
            let process = try SpawnedProcess(
                "/usr/bin/env", prefix + (ownFolders ? Self.apart : []) + (try containerdCommand()),
                environment: variables,
                log: scratch.path + "/containerd.log")
            containerd.withLock { $0 = process }
            try await eventually("containerd to listen; see \(scratch.path)/containerd.log") {
                if let ending = process.poll() { throw RigFailure("containerd ended while starting (\(ending))") }
                return exists(containerdSocket)
            }
        }
        let folders =
            ownFolders ? containerd.withLock { $0.map { ["nsenter", "--mount=/proc/\($0.pid)/ns/mnt"] } } : nil
        let process = try SpawnedProcess(
            "/usr/bin/env", (folders ?? []) + prefix + (try dockerdCommand()) + options, environment: variables,
            log: logFile)
        dockerd.withLock { $0 = process }
        try await eventually("dockerd to answer; see \(logFile)", within: .seconds(60)) {
            if let ending = process.poll() {
                throw RigFailure("dockerd ended while starting (\(ending)); its log ends with:\n\(log.suffix(4000))")
            }
            return try await run(["version", "--format", "{{.Server.Version}}"]).succeeded
        }
    }

    private struct Invocation {
        var options: [String]
        var namespace: String?
        var authority: String?
    }

    /// As it was started before.
    func startAgain() async throws {
        guard let former = invocation.withLock({ $0 }) else { throw RigFailure("this engine was never started") }
        try await start(former.options, in: former.namespace, trusting: former.authority)
    }

    /// A mount namespace, from which dockerd and all containers are to come.
    private static let apart = [
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        """
        mkdir -p /run/docker && mount -t tmpfs tmpfs /run/docker && mount -t tmpfs tmpfs /mnt &&
        mkdir /mnt/volumes && mount --make-rshared /mnt && exec "$@"
        """, "sh",
    ]

    private var containerdSocket: String { scratch.path + "/containerd.sock" }

    private func containerdCommand() throws -> [String] {
        try write(
            "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n", to: scratch.path + "/containerd.toml")
        return [
            "containerd", "--config", scratch.path + "/containerd.toml", "--root", scratch.path + "/containerd",
            "--state", scratch.path + "/exec/containerd", "--address", containerdSocket,
        ]
    }

    private func dockerdCommand() throws -> [String] {
        try write("{}", to: scratch.path + "/daemon.json")
        return [
            "dockerd", "--data-root", scratch.path + "/data", "--exec-root", scratch.path + "/exec",
            "--containerd", containerdSocket, "--host", host, "--pidfile", scratch.path + "/docker.pid",
            "--config-file", scratch.path + "/daemon.json",
            "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
        ]
    }

    /// What dockerd has printed, and with it all that its plugins have.
    var log: String {
        FileManager.default.contents(atPath: logFile).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// SIGTERM, and waits for its end. Containers end too, unless it was started with `--live-restore`.
    func stop() async throws {
        guard let process = dockerd.withLock({ $0 }) else { return }
        process.signal(SIGTERM)
        try await process.waitForEnd(within: .seconds(60))
    }

    /// SIGKILL for dockerd alone: containerd, containers and plugins run on, as after a crash.
    func crash() async throws {
        guard let process = dockerd.withLock({ $0 }) else { return }
        process.signal(SIGKILL)
        try await process.waitForEnd()
    }

    /// Ends everything that it has started, and removes its folder.
    func end() async throws {
        try await scratch.sweep()
        // Or they stay zombies for as long as the tests run.
        _ = dockerd.withLock { $0?.poll() }
        _ = containerd.withLock { $0?.poll() }
    }

    /// Starts an engine for the body alone, and takes back everything it left, whatever the body did.
    static func with(
        _ options: [String] = [], in environment: RigEnvironment? = nil, trusting authority: String? = nil,
        _ body: (DockerEngine) async throws -> Void
    ) async throws {
        let engine = try DockerEngine(environment ?? .required())
        do {
            try await engine.start(options, trusting: authority)
            try await BusyboxImage.load(into: engine)
            try await body(engine)
        } catch {
            let log = engine.log
            try? await engine.end()
            throw RigFailure("\(error)\nThe daemon's log ends with:\n\(log.suffix(8000))")
        }
        try await engine.end()
    }
}
