import VolumeCore

extension ClientAddress {
    /// Reads what Ceph writes where a client can have several addresses: one alone, or a list
    /// in brackets (`[v2:10.0.0.1:0/4123,v1:10.0.0.1:0/4123]`).
    ///
    /// What names no single client, such as `-` or an address without a nonce, is left out.
    /// The same address under several protocols counts once.
    static func list(_ text: String) -> [ClientAddress] {
        // `[::1]:0/5` begins with a bracket too, but does not end with one.
        let isList = text.hasPrefix("[") && text.hasSuffix("]")
        let body = isList ? text.dropFirst().dropLast() : Substring(text)
        var found: [ClientAddress] = []
        for part in body.split(separator: ",") {
            guard let address = ClientAddress(String(part)), !found.contains(address) else { continue }
            found.append(address)
        }
        return found
    }
}
