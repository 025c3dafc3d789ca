import CephStorage
import Doctor
import EtcdState
import Glibc
import VolumeCore

/// Finds what of the blocklist concerns this host.
enum BlocklistProbe {
    /// - Parameters:
    ///   - addresses: of this host, without brackets.
    ///   - me: this boot of this node; `nil` when it is not known.
    static func look(
        _ map: ClusterMap, addresses: Set<String>, me: NodeIdentity?, _ records: RecordSurvey.Records?
    ) -> BlocklistSeen {
        let own = addresses.subtracting(["127.0.0.1", "::1"])
        var seen = BlocklistSeen()
        var clients: Set<String> = []
        for entry in map.blocklist {
            if let client = ClientAddress(entry) {
                clients.insert(client.text)
                // Where all of a cluster is one host, everything is at the loopback address.
                if addresses.contains(client.host) { seen.others += 1 }
            } else if own.contains(host(of: entry)) {
                seen.hosts.append(entry)
            }
        }
        seen.hosts += map.blockedRanges.filter { range in own.contains { AddressRange(range)?.contains($0) ?? false } }
        for stored in records?.volumes ?? [] {
            guard let mount = stored.attachment?.record, let me, mount.owner == me else { continue }
            for client in mount.clients where clients.contains(client.text) {
                seen.clients.append(.init(volume: stored.name.text, address: client.text))
                if addresses.contains(client.host) { seen.others -= 1 }
            }
        }
        return seen
    }

    /// Of `ip:port/nonce`.
    private static func host(of entry: String) -> String {
        entry.lastIndex(of: ":").map { entry[..<$0].filter { !"[]".contains($0) } } ?? entry
    }
}

/// A range of addresses as the blocklist has it: `10.0.0.0:0/24`.
struct AddressRange {
    private let network: [UInt8]
    private let length: Int

    /// - Returns: `nil` for what is no range.
    init?(_ text: String) {
        guard let slash = text.lastIndex(of: "/"), let length = Int(text[text.index(after: slash)...]) else {
            return nil
        }
        let body = text[..<slash]
        // The port is 0.
        let host = body.hasSuffix(":0") ? body.dropLast(2) : body
        guard let network = Self.bytes(host.filter { !"[]".contains($0) }), (0...(8 * network.count)).contains(length)
        else { return nil }
        (self.network, self.length) = (network, length)
    }

    func contains(_ address: String) -> Bool {
        guard let bytes = Self.bytes(address), bytes.count == network.count else { return false }
        return (0..<length).allSatisfy { bit in
            let mask = UInt8(0x80) >> (bit % 8)
            return bytes[bit / 8] & mask == network[bit / 8] & mask
        }
    }

    private static func bytes(_ address: String) -> [UInt8]? {
        var (four, six) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, address, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        if inet_pton(AF_INET6, address, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
        return nil
    }
}
