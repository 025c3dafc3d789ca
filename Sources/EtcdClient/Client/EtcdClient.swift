import Logging

/// A client of etcd's v3 API through its JSON gateway (etcd 3.4 and later).
///
/// Every call has a deadline, can be cancelled, and throws only ``EtcdError``, which says whether a write may have
/// happened. All transfers run on one thread. The client reuses connections.
///
/// Call ``shutdown()`` when you no longer need the client. A client that is released without it also stops, a moment later.
public final class EtcdClient: Sendable {
    let gateway: Gateway

    /// Starts the transport's thread. It sends nothing yet: if etcd is away, the first call says so.
    ///
    /// - Throws: `.misconfigured` if there is no endpoint, or if libcurl or a thread cannot be started.
    public init(configuration: EtcdConfiguration, logger: Logger) throws(EtcdError) {
        guard !configuration.endpoints.isEmpty else { throw Self.misconfigured("no endpoint is configured") }
        do throws(TransportFailure) {
            let transport = try CurlTransport(
                tls: configuration.tls, connectionsPerEndpoint: max(1, configuration.connectionsPerEndpoint),
                logger: logger)
            gateway = Gateway(configuration: configuration, transport: transport, logger: logger)
        } catch {
            throw Self.misconfigured(error.detail)
        }
    }

    /// For tests with a transport of their own.
    init(configuration: EtcdConfiguration, transport: any HTTPTransport, logger: Logger) {
        gateway = Gateway(configuration: configuration, transport: transport, logger: logger)
    }

    /// Ends all calls and watches with `.closed`, and waits until the thread has freed everything. Later calls fail
    /// with `.closed`.
    public func shutdown() async {
        await gateway.transport.shutdown()
    }

    /// What the transport is doing and has done.
    public var statistics: TransportStatistics { gateway.transport.statistics }

    private static func misconfigured(_ reason: String) -> EtcdError {
        EtcdError(code: .misconfigured, outcome: .failed, operation: "client", reason: reason)
    }
}
