import CRados
import FoundationEssentials
import Glibc
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

/// The key of librados' configuration: `key`, else the file `keyfile`, else the first keyring that can be read.
private enum ClientKey {
    static func find(_ user: String, _ raw: rados_t) throws -> CephKey? {
        func value(_ option: String) -> String { CephConfiguration.value(option, raw) ?? "" }
        let key =
            if !value("key").isEmpty {
                CephKey(base64: value("key"))
            } else if !value("keyfile").isEmpty {
                KeyringText.read(value("keyfile")).flatMap { CephKey(base64: KeyringText.trimmed($0[...])) }
            } else {
                keyring(value("keyring")).flatMap { KeyringText.key(of: user, in: $0) }
            }
        guard key == nil, value("auth_client_required").contains("cephx") else { return key }
        throw CephCall.reading("rados_conf_get", .option("keyring")).error(
            ENOENT, detail: CephConfiguration.whatIsMissing(raw) ?? "it holds no key of client.\(user)")
    }

    private static func keyring(_ paths: String) -> String? {
        paths.split { $0 == "," || $0 == ";" || $0 == " " }.map(String.init)
            .first { access($0, R_OK) == 0 }
            .flatMap(KeyringText.read)
    }
}
