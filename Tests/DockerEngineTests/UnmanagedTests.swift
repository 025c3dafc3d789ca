import FoundationEssentials
import Glibc
import Rig
import Testing

extension EngineTests {
    /// Without Docker's plugin system: the Debian package, and the socket where Docker looks for such plugins.
    @Suite("Unmanaged")
    struct UnmanagedTests {
        @Test("The Debian package is installed, serves Docker, is restarted under a running container, and is removed")
        func package() async throws {
            // Its own: Docker goes on asking unmanaged plugins that are gone, and each list would wait for this one.
            try await DockerEngine.with { try await Self.use($0) }
        }

        private static func use(_ engine: DockerEngine) async throws {
            let host = try await InstalledPackage(for: engine)
            do {
                try await host.start()
                let (driver, volume) = (host.driver, uniqueName("unmanaged"))
                try await engine.docker(
                    "volume", "create", "--driver", driver, "--opt", "pool=rbd", "--opt", "size=64", volume)
                // Docker tells an unmanaged driver's name as it is.
                #expect(try await engine.docker("volume", "inspect", "--format", "{{.Driver}}", volume) == driver)
                let listed = try await host.type("volume", "ls").checked()
                #expect(listed.output.contains("\n\(volume) "), "\(listed.output)")
                let nobody = try await host.type("--plugin", "nobody/has:this", "volume", "ls")
                #expect(nobody.status == 1 && nobody.error.contains("no plugin nobody/has:this"), "\(nobody)")
                let plugin = ManagedPlugin(driver, in: engine)
                try await plugin.run("echo hello >/data/file", on: volume)
                #expect(try await plugin.run("cat /data/file", on: volume) == "hello")

                let writer = try await plugin.writer(on: volume)
                let before = try await plugin.linesWritten(by: writer, atLeast: 3)
                try await host.stop()
                _ = try await plugin.linesWritten(by: writer, atLeast: before + 5)
                try await host.start()
                _ = try await plugin.linesWritten(by: writer, atLeast: before + 10)
                #expect(try await plugin.failures(of: writer) == "")
                #expect(try await plugin.run("cat /data/file", on: volume) == "hello")
                #expect(host.scratch.kernelState.exports.count <= 1)
                #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
                try await engine.docker("rm", "--force", writer)
                try await eventually("the volume to be given back") { host.scratch.kernelState.isEmpty }
                try await engine.docker("volume", "rm", volume)
                try await host.stop()
                try await host.remove()
            } catch {
                let log = host.log
                try? await host.end()
                throw RigFailure("\(error)\nThe plugin's log ends with:\n\(log.suffix(4000))")
            }
            try await host.end()
        }
    }
}

/// The package in a root of its own, and the program that it holds run as its unit would run it.
private final class InstalledPackage: Sendable {
    let scratch: ScratchFolder
    /// What Docker knows it by: the name of the socket.
    let driver = uniqueName("rbd")
    private let environment: RigEnvironment
    private let processes = ProcessHolder()

    private var root: String { scratch.path + "/root" }
    private var settingsFile: String { root + "/etc/default/rbd-plugin" }
    private var socketLink: String { "/run/docker/plugins/\(driver).sock" }
    private var logFile: String { scratch.path + "/plugin.log" }
    var log: String { (try? text(of: logFile)) ?? "" }

    /// `make deb` and `dpkg --install`, into a root without anything else.
    init(for engine: any Engine) async throws {
        environment = engine.environment
        scratch = try ScratchFolder("u", of: environment)
        let package = scratch.path + "/rbd-plugin.deb"
        try await PluginPackage.makeDebianPackage(package, in: environment)
        for folder in ["root/var/lib/dpkg/info", "root/var/lib/dpkg/updates", "state"] {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.path)/\(folder)", withIntermediateDirectories: true)
        }
        try write("", to: root + "/var/lib/dpkg/status")
        try write("", to: root + "/var/lib/dpkg/available")
        try await dpkg("--install", package)
        let installed = try await runTool("dpkg-query", ["--admindir", root + "/var/lib/dpkg", "--list", "rbd-plugin"])
        try #require(installed.output.contains("ii  rbd-plugin"), "\(installed.output)")
        let unit = try text(of: root + "/lib/systemd/system/rbd-plugin.service")
        try #require(unit.contains("ExecStart=/usr/bin/rbd-plugin serve\n"))
        try #require(unit.contains("EnvironmentFile=-/etc/default/rbd-plugin\n"))
        // What its administrator writes there.
        let settings = [
            "CEPH_CONF=\(environment.cephConf)", "RBD_CONF_KEYRING_USER=\(environment.cephUser)",
            "ETCD_ENDPOINTS=\(environment.etcdEndpoints.joined(separator: ","))", "ETCD_PREFIX=\(driver)/",
            "NODE_NAME=\(driver)", "RBD_STATE_DIR=\(scratch.path)/state",
        ]
        try write(try text(of: settingsFile) + settings.joined(separator: "\n") + "\n", to: settingsFile)
    }

    func start() async throws {
        var variables = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"]
        for line in try text(of: settingsFile).split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        let socket = scratch.path + "/rbd.sock"
        let process = try SpawnedProcess(
            root + "/usr/bin/rbd-plugin", ["serve", "--socket", socket, "--mount-root", scratch.path + "/volumes"],
            environment: variables, log: logFile)
        await processes.put(process)
        let client = PluginClient(socket: socket)
        try await eventually("the unmanaged plugin to answer; its log says:\n\(log)") {
            if let ending = process.poll() { throw RigFailure("it ended while starting (\(ending)):\n\(log)") }
            return (try? await client.activate().succeeded) == true
        }
        // By a link, so that the name is a test's own and no plugin of this machine's is in the way.
        if !exists(socketLink) {
            try FileManager.default.createDirectory(
                atPath: "/run/docker/plugins", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: socketLink, withDestinationPath: socket)
        }
    }

    /// Types the command where the package's files are this machine's, with none of the settings in the environment.
    func type(_ arguments: String...) async throws -> ToolResult {
        var variables: [String: String?] = [:]
        for name in ProcessInfo.processInfo.environment.keys
        where ["RBD_", "ETCD", "CEPH", "NODE_NAME"].contains(where: name.hasPrefix) { variables[name] = .some(nil) }
        let line = #"mount --bind "$0/etc/default" /etc/default && exec "$0/usr/bin/rbd-plugin" "$@""#
        return try await runTool(
            "unshare", ["--mount", "--propagation", "private", "sh", "-c", line, root] + arguments,
            settings: variables)
    }

    /// As `systemctl stop` does with the unit's KillMode: the program alone gets a signal.
    func stop() async throws {
        guard let process = await processes.take() else { return }
        process.signal(SIGTERM)
        let ending = try await process.waitForEnd()
        try #require(ending == .exited(0))
    }

    /// `dpkg --remove` leaves the settings, `--purge` takes them too, and secrets.
    func remove() async throws {
        try await dpkg("--remove", "rbd-plugin")
        try #require(!exists(root + "/usr/bin/rbd-plugin"))
        try #require(exists(settingsFile))
        // As a plugin that was killed leaves it.
        let secrets = root + "/run/rbd-plugin/ceph"
        try FileManager.default.createDirectory(atPath: secrets, withIntermediateDirectories: true)
        try await dpkg("--purge", "rbd-plugin")
        try #require(!exists(settingsFile) && !exists(secrets))
    }

    func end() async throws {
        unlink(socketLink)
        try await scratch.sweep()
        _ = await processes.take()?.poll()
    }

    private func dpkg(_ arguments: String...) async throws {
        // The packages that it depends on are this machine's, not that root's.
        let forced = ["--force-depends", "--force-script-chrootless", "--force-unsafe-io"]
        try await runTool(
            "dpkg", ["--root", root, "--log", scratch.path + "/dpkg.log"] + forced + arguments, within: .seconds(120)
        ).checked()
    }
}

/// The process that runs now.
private actor ProcessHolder {
    private var process: SpawnedProcess?

    func put(_ process: SpawnedProcess) { self.process = process }

    func take() -> SpawnedProcess? {
        defer { process = nil }
        return process
    }
}
