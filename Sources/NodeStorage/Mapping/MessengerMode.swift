import VolumeCore

/// By which protocol the kernel's client speaks to Ceph, and how: its map option `ms_mode`.
struct MessengerMode: Sendable, Hashable {
    /// The kernel's own choice, which is the first protocol.
    private static let legacy = "legacy"

    /// As `ms_mode` takes it.
    let name: String
    /// The map option that has to be added: nobody named a mode, and the kernel's own choice would reach no monitor.
    let option: [String]

    /// - Parameter options: all map options that were asked for; the last of two wins.
    init(_ options: [String], for client: KernelClient) {
        if let named = options.last(where: { $0.hasPrefix("ms_mode=") }) {
            name = String(named.dropFirst("ms_mode=".count))
            option = []
        } else if client.monitorsV1.isEmpty && !client.monitorsV2.isEmpty {
            name = client.messengerV2Mode.rawValue
            option = ["ms_mode=" + name]
        } else {
            name = Self.legacy
            option = []
        }
    }

    /// The monitors that can be reached so.
    /// - Throws: `VolumeError` when there are none.
    func monitors(of client: KernelClient, _ what: String) throws -> [String] {
        let isFirst = name == Self.legacy
        let monitors = isFirst ? client.monitorsV1 : client.monitorsV2
        guard monitors.isEmpty else { return monitors }
        throw VolumeError(
            .invalidOption, what,
            why: "ms_mode=\(name) asks for the \(isFirst ? "first" : "second") protocol, and no monitor speaks it",
            remedy: "leave ms_mode out of RBD_MAP_OPTIONS and rbd_default_map_options", outcome: .refused)
    }
}
