import VolumeCore

/// Which way of mapping this node uses, and why.
public struct MapperSelection: Sendable, Hashable {
    public let kind: MapperKind
    /// A sentence for the log.
    public let reason: String

    /// The order of preference. `krbd` is what the product is made for; `fuse` serves where the kernel has no driver;
    /// `nbd` where only that exists.
    static let order: [MapperKind] = [.krbd, .fuse, .nbd]

    /// Chooses.
    /// - Parameters:
    ///   - wanted: the setting; `nil` for `auto`.
    ///   - lacks: for each kind what it lacks on this node, in words; empty for one that works.
    /// - Throws: `VolumeError` with code `unsupported` when the one that is wanted, or each of them, lacks something.
    public static func choose(_ wanted: MapperKind?, lacks: [MapperKind: [String]]) throws(VolumeError)
        -> MapperSelection
    {
        if let wanted {
            guard isComplete(wanted, lacks) else {
                throw VolumeError(
                    .unsupported, "map images with \(wanted.rawValue)", why: words(wanted, lacks),
                    remedy: "provide what is missing, or set RBD_MAPPER=auto", outcome: .refused)
            }
            return MapperSelection(kind: wanted, reason: "RBD_MAPPER asks for it")
        }
        guard let first = order.first(where: { isComplete($0, lacks) }) else {
            throw VolumeError(
                .unsupported, "map images on this node", why: order.map { words($0, lacks) }.joined(separator: "; "),
                remedy: "provide what one of them lacks", outcome: .refused)
        }
        let passed = order.prefix { $0 != first }.map { words($0, lacks) }
        let reason = passed.isEmpty ? "the kernel has the rbd driver" : passed.joined(separator: "; ")
        return MapperSelection(kind: first, reason: reason)
    }

    private static func isComplete(_ kind: MapperKind, _ lacks: [MapperKind: [String]]) -> Bool {
        lacks[kind]?.isEmpty ?? false
    }

    private static func words(_ kind: MapperKind, _ lacks: [MapperKind: [String]]) -> String {
        "\(kind.rawValue): \((lacks[kind] ?? ["not checked"]).joined(separator: ", "))"
    }
}
