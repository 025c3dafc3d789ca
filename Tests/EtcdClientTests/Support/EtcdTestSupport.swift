import EtcdClient
import Logging
import Testing

/// A client for a test's own server. The test shuts it down.
func makeClient(
    _ addresses: String..., change: (inout EtcdConfiguration) -> Void = { _ in }
) throws -> EtcdClient {
    var configuration = EtcdConfiguration(endpoints: try Endpoint.parse(addresses.joined(separator: ",")))
    change(&configuration)
    return try EtcdClient(configuration: configuration, logger: quietLogger)
}

let quietLogger = Logger(label: "etcd-client-tests") { _ in SwiftLogNoOpLogHandler() }

/// The error of a call that has to fail.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, of call: () async throws -> Void
) async throws -> EtcdError {
    var thrown: EtcdError?
    do {
        try await call()
    } catch let error as EtcdError {
        thrown = error
    }
    return try #require(thrown, "the call did not fail", sourceLocation: sourceLocation)
}
