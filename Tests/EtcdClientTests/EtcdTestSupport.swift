import EtcdClient
import Logging
import Rig
import Testing

/// A client for a test's own server. The test shuts it down.
func makeClient(
    _ addresses: String..., change: (inout EtcdConfiguration) -> Void = { _ in }
) throws -> EtcdClient {
    var configuration = EtcdConfiguration(endpoints: try Endpoint.parse(addresses.joined(separator: ",")))
    change(&configuration)
    return try EtcdClient(configuration: configuration, logger: Logger(label: "etcd-client-tests"))
}
