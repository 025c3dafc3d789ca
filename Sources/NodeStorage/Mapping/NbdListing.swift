import UntrustedJSON
import VolumeCore

/// One line of `rbd-nbd list-mapped --format json`.
struct NbdListing: Sendable, Hashable, Decodable {
    var process: Int32
    var image: ImageReference
    var isSnapshot: Bool
    var path: String

    enum CodingKeys: String, CodingKey { case id, pool, namespace, image, snap, device }

    /// The process id is a number or a text, and the namespace may be absent, depending on the release.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        process =
            if let number = try? container.decode(Int32.self, forKey: .id) { number } else {
                Int32(try container.decode(String.self, forKey: .id)) ?? 0
            }
        image = ImageReference(
            pool: try container.decode(String.self, forKey: .pool),
            namespace: try container.decodeIfPresent(String.self, forKey: .namespace) ?? "",
            name: try container.decode(String.self, forKey: .image))
        let snapshot = try container.decodeIfPresent(String.self, forKey: .snap) ?? ""
        isSnapshot = !snapshot.isEmpty && snapshot != "-"
        path = try container.decode(String.self, forKey: .device)
    }

    /// - Returns: `nil` when the text is not understood.
    static func parse(_ text: String) -> [NbdListing]? {
        // Nothing mapped is shown as nothing at all by some releases.
        if text.allSatisfy(\.isWhitespace) { return [] }
        return try? UntrustedJSON.decode([NbdListing].self, from: Array(text.utf8))
    }
}
