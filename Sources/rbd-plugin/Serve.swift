import ArgumentParser
import DockerVolumeAPI
import Glibc
import Logging
import NodeStorage
import PluginConfiguration
import ServiceLifecycle
import VolumeCore

/// `rbd-plugin serve`: answers Docker until SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the volume plugin: answer Docker on a unix socket.",
        discussion: """
            Settings come from the environment. On SIGTERM the plugin lets running calls end, and leaves mounted volumes mounted.

            \(SettingsText.help())
            """)

    @Option(help: "The unix socket to listen on.")
    var socket = "/run/docker/plugins/rbd.sock"

    @Option(name: .customLong("mount-root"), help: "The folder below which the plugin mounts volumes.")
    var mountRoot = "/mnt/volumes"

    func validate() throws {
        for (option, path) in [("--socket", socket), ("--mount-root", mountRoot)] where !path.hasPrefix("/") {
            throw ValidationError("\(option) must be an absolute path, not '\(path)'.")
        }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        EarlySignals.listen()
        let log: Logger
        let plugin: Composition
        do {
            (plugin, log) = try compose()
        } catch {
            let code = await tell(error)
            await FailedStart.stayForDocker()
            throw code
        }
        do {
            try await plugin.run()
        } catch {
            throw await tell(error)
        }
        log.info("stopped")
        await LogOutput.flush()
    }

    /// Writes why the program ends, after all that it has logged.
    /// - Returns: the program's status.
    private func tell(_ error: any Error) async -> ExitCode {
        await LogOutput.flush()
        if let code = error as? ExitCode { return code }
        Output.error("Error: \(error)\n")
        return .failure
    }

    /// Without it nothing can be mapped or mounted.
    private func seeThatCompanionIsThere() throws {
        guard SearchPath.standard.find(.kernel) == nil else { return }
        Output.error(
            """
            rbd-plugin cannot start:
            The program \(Tool.kernel.name), which maps and mounts for it, is neither beside it nor in PATH. Install both \
            programs, of the same version, into one folder.

            """)
        throw ExitCode(ExitStatus.settings.rawValue)
    }

    private func compose() throws -> (Composition, Logger) {
        let settings = try SettingsFromEnvironment.load()
        try LogOutput.bootstrap(settings.log)
        let log = Logger(label: "rbd-plugin")
        try seeThatCompanionIsThere()
        for warning in settings.warnings { log.warning("\(warning)") }
        let root = mountRoot.count > 1 && mountRoot.hasSuffix("/") ? String(mountRoot.dropLast()) : mountRoot
        let plugin = try Composition(settings: settings, socket: socket, mountRoot: root, log: log)
        log.info("starting", metadata: ["version": "\(Version.text)", "node": "\(settings.node.identity.node)"])
        return (plugin, log)
    }
}
