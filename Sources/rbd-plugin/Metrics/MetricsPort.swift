import Logging
import MetricsListener
import PluginConfiguration

/// The metrics on the TCP port of METRICS_LISTEN.
struct MetricsPort: Sendable {
    private static let pause = Duration.seconds(10)

    private let address: MetricsSettings.Address
    private let token: (@Sendable () throws -> String)?
    private let text: @Sendable () async -> String
    private let log: Logger

    /// `nil` where there is to be none.
    init?(_ settings: MetricsSettings, text: @escaping @Sendable () async -> String, log: Logger) {
        guard let address = settings.listen else { return nil }
        self.address = address
        self.text = text
        self.log = log
        token = settings.tokenFile.map(Self.reader)
    }

    private static func reader(_ path: String) -> @Sendable () throws -> String {
        { try SecretFile.secret(at: path, readFile: TextFile.read).reveal() }
    }

    /// Serves until the task is cancelled. Volumes matter more than metrics: where the port cannot be had, the plugin runs on, and
    /// tries again.
    func run() async {
        while !Task.isCancelled {
            let listener = MetricsListener(
                host: address.host, port: address.port, token: token, text: text, logger: log)
            do { try await listener.run() } catch {
                log.warning(
                    "cannot serve metrics on METRICS_LISTEN; trying again", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.pause)
        }
    }
}
