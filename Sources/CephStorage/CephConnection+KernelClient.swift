import CRados
import VolumeCore

extension CephConnection {
    /// Where the monitors are now (`mon dump`), and the user's key and what is to be encrypted where librados finds
    /// it (`rados_conf_get`).
    /// - Throws: `VolumeError`.
    public nonisolated func kernelClient(clock: any DriverClock) async throws -> KernelClient {
        let call = CephCall.reading("rados_conf_get", .option("keyring"))
        let user = settings.user
        return try await CephCalls(connection: self, clock: clock)("look up the monitors") { limit in
            let monitors = try await monitorQuery(MonitorCommand("mon dump"), as: MonitorMap.self, timeout: limit)
            return try await perform(call, timeout: limit) { cluster in
                try cluster.withUnsafeCluster(call) { raw in
                    func value(_ option: String) -> String { CephConfiguration.value(option, raw) ?? "" }
                    return KernelClient(
                        user: user, key: try ClientKey.find(user, raw), monitorsV1: monitors.addresses("v1"),
                        monitorsV2: monitors.addresses("v2"),
                        messengerV2Mode: MessengerV2Mode(
                            client: value("ms_client_mode"), monitors: value("ms_mon_client_mode")),
                        mapOptions: value("rbd_default_map_options").split(separator: ",").map(String.init))
                }
            }
        }
    }
}

/// The answer of `mon dump`, as far as it matters here.
struct MonitorMap: Decodable, Sendable {
    struct Monitor: Decodable {
        let public_addrs: Addresses
    }
    struct Addresses: Decodable {
        let addrvec: [Address]
    }
    struct Address: Decodable {
        let type: String
        let addr: String
    }

    let mons: [Monitor]

    /// - Parameter type: `v1` or `v2`.
    func addresses(_ type: String) -> [String] {
        mons.flatMap(\.public_addrs.addrvec).filter { $0.type == type }.map(\.addr)
    }
}
