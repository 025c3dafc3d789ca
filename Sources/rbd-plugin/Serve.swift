import ArgumentParser
import DockerVolumeAPI
import FoundationEssentials
import Glibc
import Logging
import PluginConfiguration
import ServiceLifecycle

/// `rbd-plugin serve`: answers Docker until SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Be the volume plugin: answer Docker on a unix socket. This is the default.",
        discussion: """
            Settings come from the environment. SIGTERM lets running calls end, and leaves mounted volumes mounted.

            \(SettingsText.help())
            """)

    @Option(help: "The unix socket to listen on.")
    var socket = "/run/docker/plugins/rbd.sock"

    @Option(name: .customLong("mount-root"), help: "The directory below which volumes are mounted.")
    var mountRoot = "/mnt/volumes"

    func validate() throws {
        for (option, path) in [("--socket", socket), ("--mount-root", mountRoot)] where !path.hasPrefix("/") {
            throw ValidationError("\(option) must be an absolute path, not '\(path)'.")
        }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let settings = try loadSettings()
        LogOutput.bootstrap(settings.log)
        let log = Logger(label: "rbd-plugin")
        for warning in settings.warnings { log.warning("\(warning)") }
        let root = mountRoot.count > 1 && mountRoot.hasSuffix("/") ? String(mountRoot.dropLast()) : mountRoot
        let plugin = try Composition(settings: settings, socket: socket, mountRoot: root, log: log)
        log.info("starting", metadata: ["version": "\(Version.text)", "node": "\(settings.node.name)"])
        try await plugin.run()
        log.info("stopped")
    }

    private func loadSettings() throws -> Settings {
        do {
            return try Settings.load(
                environment: ProcessInfo.processInfo.environment,
                readFile: { path in try String(contentsOfFile: path, encoding: .utf8) },
                hostName: Self.hostName())
        } catch {
            Output.error("rbd-plugin cannot start:\n\(error)\n")
            throw ExitCode(78)
        }
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
