import FoundationEssentials
import Glibc
import Synchronization

/// A private etcd in a scratch folder, on loopback ports of its own. Can be frozen, killed and brought back.
///
/// `stop()` ends it and removes the folder; `EtcdServer.with` does so by itself.
public final class EtcdServer: Sendable {
    public struct Options: Sendable {
        /// Further flags of etcd, such as `["--auth-token-ttl", "1"]`.
        public var flags: [String] = []
        /// Serves its clients over TLS.
        public var certificates: EtcdCertificates?
        /// Demands a certificate of its clients, signed by the same authority.
        public var requiresClientCertificate = false

        public init(flags: [String] = []) {
            self.flags = flags
        }
    }

    /// The folder with its data and log.
    public let folder: String
    /// `127.0.0.1:PORT`, where clients reach it.
    public let address: String
    private let arguments: [String]
    private let options: Options
    private let process = Mutex<EtcdProcess?>(nil)

    private init(folder: String, address: String, arguments: [String], options: Options) {
        self.folder = folder
        self.address = address
        self.arguments = arguments
        self.options = options
    }

    deinit {
        process.withLock { $0 }?.signal(SIGKILL)
    }

    /// `http://127.0.0.1:PORT`, or `https`.
    public var url: String { "\(options.certificates == nil ? "http" : "https")://\(address)" }

    /// Where etcd's own words are.
    public var logPath: String { folder + "/etcd.log" }

    // MARK: Starting

    /// Starts one member that is a cluster by itself, and waits until it serves.
    public static func start(_ options: Options = Options()) async throws -> EtcdServer {
        try await startCluster(of: 1, options)[0]
    }

    /// Starts the members of one cluster and waits until they serve.
    public static func startCluster(of count: Int, _ options: Options = Options()) async throws -> [EtcdServer] {
        // A port that was free a moment ago can be taken by the time etcd binds it: others test on this machine too.
        for _ in 1..<5 {
            let servers = try prepare(count, options)
            do {
                try await startAll(servers)
                return servers
            } catch let error as EtcdStartError where error.log.contains("address already in use") {
                for server in servers { await server.stop() }
            }
        }
        throw EtcdStartError(problem: "found no free ports", log: "")
    }

    /// Runs `body` with a server that is stopped afterwards in any case.
    public static func with<Result: Sendable>(
        _ options: Options = Options(), _ body: (EtcdServer) async throws -> Result
    ) async throws -> Result {
        let server = try await start(options)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Starts it again after `kill()`, on the same data and ports.
    public func restart() async throws {
        let started = try await EtcdProcess.start(arguments: arguments, logPath: logPath)
        process.withLock { $0 = started }
        try await started.waitUntilItServes()
    }

    // MARK: Ending

    /// Ends it at once and removes its folder.
    public func stop() async {
        await kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// `kill -9`. The data stays.
    public func kill() async {
        let running = process.withLock { process in
            defer { process = nil }
            return process
        }
        running?.signal(SIGKILL)
        await running?.waitUntilItEnds()
    }

    /// SIGSTOP: connections stay open and nothing answers.
    public func freeze() {
        process.withLock { $0 }?.signal(SIGSTOP)
    }

    /// SIGCONT.
    public func thaw() {
        process.withLock { $0 }?.signal(SIGCONT)
    }

    // MARK: Backups

    /// A backup of all keys as they are now; it goes with the folder.
    public func saveSnapshot() async throws -> String {
        let path = "\(folder)/snapshot-\(UUID().uuidString)"
        try await etcdctl("snapshot", "save", path)
        return path
    }

    /// Ends it, puts the backup in the place of its data, and brings it back: the same member on the same ports, with the
    /// history of the backup.
    ///
    /// - Parameter meanwhile: what happens to the data before its clients find it again, on a server at another port.
    public func restore(
        _ snapshot: String, meanwhile: (EtcdServer) async throws -> Void = { _ in }
    ) async throws {
        await kill()
        try FileManager.default.removeItem(atPath: "\(folder)/data")
        var restored = ["snapshot", "restore", snapshot]
        for flag in ["--name", "--data-dir", "--initial-advertise-peer-urls", "--initial-cluster"] {
            restored += [flag, value(of: flag)]
        }
        _ = try await EtcdProcess.etcdctl(restored)
        let elsewhere = "127.0.0.1:\(try LoopbackPorts.free(1)[0])"
        let other = EtcdServer(
            folder: folder, address: elsewhere,
            arguments: arguments.map { $0.replacing(address, with: elsewhere) }, options: options)
        try await other.restart()
        try await meanwhile(other)
        await other.kill()
        try await restart()
    }

    private func value(of flag: String) -> String {
        arguments.firstIndex(of: flag).map { arguments[$0 + 1] } ?? ""
    }

    // MARK: etcdctl

    /// Runs etcdctl against this server and returns what it prints.
    ///
    /// - Parameter user: `name:password`.
    @discardableResult
    public func etcdctl(_ arguments: String..., user: String? = nil) async throws -> String {
        try await EtcdProcess.etcdctl(
            ["--endpoints", url] + tlsArguments + (user.map { ["--user", $0] } ?? []) + arguments)
    }

    /// KeyedLimiter authentication on: the user `root` with this password, and `user` with a role on all keys of `prefix`.
    public func enableAuthentication(
        rootPassword: String, user: String, password: String, prefix: String
    ) async throws {
        try await etcdctl("user", "add", "root:\(rootPassword)")
        try await etcdctl("user", "grant-role", "root", "root")
        try await etcdctl("user", "add", "\(user):\(password)")
        try await etcdctl("role", "add", "tests")
        try await etcdctl("role", "grant-permission", "tests", "readwrite", "--prefix=true", prefix)
        try await etcdctl("user", "grant-role", user, "tests")
        try await etcdctl("auth", "enable")
    }

    private var tlsArguments: [String] {
        guard let certificates = options.certificates else { return [] }
        return ["--cacert", certificates.authority, "--cert", certificates.client, "--key", certificates.clientKey]
    }
}

extension EtcdServer {
    private static func prepare(_ count: Int, _ options: Options) throws -> [EtcdServer] {
        let ports = try LoopbackPorts.free(2 * count)
        let cluster = (0..<count).map { "m\($0)=http://127.0.0.1:\(ports[2 * $0 + 1])" }.joined(separator: ",")
        return try (0..<count).map { index in
            try EtcdServer(
                name: "m\(index)", clientPort: ports[2 * index], peerPort: ports[2 * index + 1], cluster: cluster,
                options: options)
        }
    }

    private convenience init(
        name: String, clientPort: UInt16, peerPort: UInt16, cluster: String, options: Options
    ) throws {
        let folder = try TemporaryFolder.make("etcd")
        let address = "127.0.0.1:\(clientPort)"
        let client = "\(options.certificates == nil ? "http" : "https")://\(address)"
        let peer = "http://127.0.0.1:\(peerPort)"
        let arguments = [
            "--name", name, "--data-dir", "\(folder)/data", "--listen-client-urls", client, "--advertise-client-urls",
            client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster,
            "--heartbeat-interval", "50", "--election-timeout", "500",
        ]
        self.init(
            folder: folder, address: address, arguments: arguments + Self.tlsFlags(options) + options.flags,
            options: options)
    }

    private static func tlsFlags(_ options: Options) -> [String] {
        guard let certificates = options.certificates else { return [] }
        let flags = ["--cert-file", certificates.server, "--key-file", certificates.serverKey]
        guard options.requiresClientCertificate else { return flags }
        return flags + ["--client-cert-auth", "--trusted-ca-file", certificates.authority]
    }

    /// A member serves only once there is a leader: all have to be started before the first is waited for.
    private static func startAll(_ servers: [EtcdServer]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { try await server.restart() } }
            try await group.waitForAll()
        }
    }
}
