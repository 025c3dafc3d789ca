import FoundationEssentials
import VolumeCore

@testable import CephStorage

/// Addresses of Ceph's clients: a fence shuts out what one of them names.
struct ClientAddressTarget: FuzzTarget {
    let name = "client-address"
    let words = ["v1:", "v2:", "any:", "10.0.0.1", ":0/", "/0", ":0/0", "[::1]", "[fd00::2]:0/66", "0.0.0.0", "-"]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let given = text(input)
        let listed = ClientAddress.list(given)
        for address in listed { try ClientAddressChecks.isOneClient(address) }
        try hold(Set(listed).count == listed.count, "a client is listed twice")
        guard let address = ClientAddress(given) else { return "list of \(min(listed.count, 3))" }
        try ClientAddressChecks.isOneClient(address)
        return address.host.contains(":") ? "v6" : "v4"
    }
}

enum ClientAddressChecks {
    static func isOneClient(_ address: ClientAddress) throws(Broken) {
        let shown = address.text
        try hold(ClientAddress(shown) == address, "\(shown) reads as another client")
        try hold(shown.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "an address of odd letters: \(shown)")
        try hold(!shown.hasSuffix(":0/0") && shown.contains("/"), "a whole host: \(shown)")
        try hold(!address.host.isEmpty && !address.host.contains("/"), "no host: \(shown)")
        let coded = (try? JSONEncoder().encode([address])).flatMap {
            try? JSONDecoder().decode([ClientAddress].self, from: $0)
        }
        try hold(coded == [address], "it is another one in JSON")
    }
}
