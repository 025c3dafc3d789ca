import FoundationEssentials
import Glibc
import Synchronization

/// The built program, `rbd-plugin serve`, with a socket, a mount root and a state folder of its own.
///
/// Two of them with different ``PluginSettings/node`` and one ``PluginSettings/etcdPrefix`` are two hosts of one
/// cluster. What it leaves mounted or mapped goes with ``end()``; use ``with(_:_:_:)``, which never forgets that.
public final class PluginProcess: Sendable {
    public let environment: RigEnvironment
    public let settings: PluginSettings
    public let scratch: ScratchFolder
    private let current: Mutex<SpawnedProcess?>

    public var socket: String { scratch.path + "/rbd.sock" }
    public var mountRoot: String { scratch.path + "/volumes" }
    public var stateFolder: String { scratch.path + "/state" }
    public var logFile: String { scratch.path + "/plugin.log" }
    public var client: PluginClient { PluginClient(socket: socket) }

    /// What the kernel holds for this plugin.
    public var kernelState: KernelState { scratch.kernelState }

    /// Its pid; nil when it was not started or has ended.
    public var pid: Int32? { current.withLock { $0?.poll() == nil ? $0?.pid : nil } }

    /// Prepares the folders; ``start(awaitingSocket:)`` starts the program.
    public init(_ environment: RigEnvironment, _ settings: PluginSettings = PluginSettings()) throws {
        self.environment = environment
        self.settings = settings
        scratch = try ScratchFolder("p", of: environment)
        current = Mutex(nil)
        // Closed: in an open mount root the plugin makes a folder of its own.
        for folder in [mountRoot, stateFolder] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }
    }

    /// Starts a plugin, runs the body, and takes back everything the plugin left, whatever the body did.
    public static func with<Result: Sendable>(
        _ environment: RigEnvironment,
        _ settings: PluginSettings = PluginSettings(),
        _ body: (PluginProcess) async throws -> Result
    ) async throws -> Result {
        let plugin = try PluginProcess(environment, settings)
        let result: Result
        do {
            try await plugin.start()
            result = try await body(plugin)
        } catch {
            let log = plugin.log
            try? await plugin.end()
            throw RigFailure("\(error)\nThe plugin's log:\n\(log.suffix(8000))")
        }
        try await plugin.end()
        return result
    }

    /// Starts the program; also again after it ended, in the same folders.
    ///
    /// - Parameters:
    ///   - awaitingSocket: false returns at once, for a plugin that is meant to refuse its settings.
    ///   - root: where it mounts, if not below ``mountRoot``.
    ///   - wrapper: a program that starts the plugin as its own child or in its own place, with its arguments.
    ///   - program: another version of the plugin.
    public func start(
        awaitingSocket: Bool = true, mountRoot root: String? = nil, by wrapper: [String] = [], program: String? = nil
    ) async throws {
        guard pid == nil else { throw RigFailure("the plugin already runs (pid \(pid ?? 0))") }
        let arguments = ["serve", "--socket", socket, "--mount-root", root ?? mountRoot]
        let command = wrapper + [try program ?? Self.executable()] + arguments
        let process = try SpawnedProcess(
            command[0], Array(command.dropFirst()),
            environment: settings.variables(for: environment, stateFolder: stateFolder),
            log: logFile
        )
        current.withLock { $0 = process }
        guard awaitingSocket else { return }
        try await eventually("the plugin to listen on \(socket); its log says:\n\(log)") {
            if let ending = process.poll() {
                throw RigFailure("the plugin ended while starting (\(ending)); its log says:\n\(log)")
            }
            return await listens()
        }
    }

    /// Everything it has printed, also before restarts.
    public var log: String {
        FileManager.default.contents(atPath: logFile).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// SIGTERM, and waits for its end.
    @discardableResult
    public func terminate(within limit: Duration = .seconds(30)) async throws -> SpawnedProcess.Ending {
        signal(SIGTERM)
        return try await waitForEnd(within: limit)
    }

    /// SIGKILL, and waits for its end. Mounts and mappings stay, as after a crash.
    public func kill() async throws {
        signal(SIGKILL)
        try await waitForEnd()
    }

    /// SIGSTOP; returns when none of its threads runs any more.
    public func pause() async throws {
        try await current.withLock { $0 }?.pause()
    }
    /// SIGCONT
    public func resume() { signal(SIGCONT) }

    /// Sends it any signal.
    public func signal(_ number: Int32) {
        current.withLock { $0?.signal(number) }
    }

    /// Waits until it ends by itself.
    @discardableResult
    public func waitForEnd(within limit: Duration = .seconds(30)) async throws -> SpawnedProcess.Ending {
        guard let process = current.withLock({ $0 }) else { throw RigFailure("the plugin was never started") }
        return try await process.waitForEnd(within: limit)
    }

    /// Ends the program and takes back its mounts, devices, exports and folder. Its records and images stay.
    public func end() async throws {
        if pid != nil {
            resume()
            try await Task { try await kill() }.value
        }
        try await scratch.sweep()
    }

    /// Asks it something: a child that the process before this one was just starting when it was killed may hold on to that
    /// one's socket for a moment, and connections to it are reset.
    private func listens() async -> Bool {
        do {
            _ = try await client.activate()
            return true
        } catch {
            return false
        }
    }

    /// `RBD_PLUGIN_EXECUTABLE`, or the program beside the running tests in the build folder.
    public static func executable() throws -> String {
        if let named = ProcessInfo.processInfo.environment["RBD_PLUGIN_EXECUTABLE"] { return named }
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = tests.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let program = folder + "/rbd-plugin"
        guard access(program, X_OK) == 0 else {
            throw RigFailure("there is no \(program). Run `make test`, which builds it.")
        }
        return program
    }
}
