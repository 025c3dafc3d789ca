import VolumeCore

/// A client that Ceph shows beside an image.
protocol ShownClient {
    /// What it has to do with the image.
    static var role: String { get }
    /// Such as `client.4123`.
    var client: String { get }
    /// Its address, or a list of them, in Ceph's words.
    var shownAddress: String { get }
}

extension ShownClient {
    /// The address as the blocklist takes it. Nil when what Ceph shows names no single client.
    public var address: ClientAddress? { ClientAddress.list(shownAddress).first }
}

extension Sequence where Element: ShownClient {
    /// All addresses, or none: a client that cannot be named is there all the same, and nobody could shut it out.
    /// - Throws: `VolumeError` with code `unexplained`.
    func addresses(of image: ImageReference) throws(VolumeError) -> [ClientAddress] {
        var addresses: [ClientAddress] = []
        for shown in self {
            guard let address = shown.address else {
                throw VolumeError.obscureClient(shown.client, Element.role, image, shownAs: shown.shownAddress)
            }
            addresses.append(address)
        }
        return addresses
    }
}
