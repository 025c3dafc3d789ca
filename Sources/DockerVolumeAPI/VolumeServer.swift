import CoreMetrics
import LocalHTTP
import Logging

/// Docker's volume plugin on a unix socket.
package struct VolumeServer: Sendable {
    package struct Configuration: Sendable {
        /// At most 107 bytes. Its folder is made when it is missing.
        package var socketPath: String
        /// How long a client waits for one call at most. Docker's own limit can be 30 s for every call.
        package var budget: Duration
        /// What Capabilities tells.
        package var scope: VolumeScope
        /// In bytes.
        package var maximumBodySize: Int

        package init(
            socketPath: String, budget: Duration = .seconds(25), scope: VolumeScope = .global,
            maximumBodySize: Int = 1 << 20
        ) {
            self.socketPath = socketPath
            self.budget = budget
            self.scope = scope
            self.maximumBodySize = maximumBodySize
        }
    }

    private let server: LocalServer<DockerCalls>

    /// - Parameters:
    ///   - metricsText: what `GET /metrics` shows.
    ///   - metrics: where Docker's calls are counted; `OperationMetrics.help` says what the names mean.
    package init(
        configuration: Configuration,
        plugin: any VolumePlugin,
        metricsText: @escaping @Sendable () async -> String,
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger
    ) {
        server = LocalServer(
            socketPath: configuration.socketPath,
            budget: configuration.budget,
            maximumBodySize: configuration.maximumBodySize,
            service: DockerCalls(
                caller: PluginCaller(plugin: plugin, metricsText: metricsText),
                scope: configuration.scope,
                metrics: OperationMetrics(factory: metrics),
                logger: logger),
            logger: logger)
    }

    /// See ``LocalServer/changeBudget(to:)``.
    package func changeBudget(to budget: Duration) { server.changeBudget(to: budget) }

    /// See ``LocalServer/start()``.
    package func start() async throws { try await server.start() }

    /// See ``LocalServer/serveUntilDrained()``.
    package func serveUntilDrained() async throws { try await server.serveUntilDrained() }

    /// See ``LocalServer/drain(timeout:)``.
    @discardableResult
    package func drain(timeout: Duration) async -> DrainReport { await server.drain(timeout: timeout) }
}
