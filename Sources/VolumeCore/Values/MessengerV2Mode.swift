/// How the kernel's client is to speak the second protocol, told from what the configuration has the other clients do.
public enum MessengerV2Mode: String, Sendable, Hashable, CaseIterable {
    /// Checksums; encrypted where the server insists.
    case preferCRC = "prefer-crc"
    /// Encrypted; checksums where the server does not encrypt.
    case preferSecure = "prefer-secure"
    /// Encrypted or not at all.
    case secure

    /// - Parameters:
    ///   - client: `ms_client_mode`: the modes for connections to servers, the preferred one first.
    ///   - monitors: `ms_mon_client_mode`: those for connections to monitors. The kernel has one mode for both.
    public init(client: String, monitors: String) {
        let (client, monitors) = (Self.modes(client), Self.modes(monitors))
        self =
            switch client.first {
            case _ where client == ["secure"] || monitors == ["secure"]: .secure
            case "secure": .preferSecure
            default: .preferCRC
            }
    }

    private static func modes(_ list: String) -> [Substring] { list.split { " ,;=\t".contains($0) } }
}
