import CRbd

/// The features of an image, with the names that `rbd info` and `rbd create
/// --image-feature` use.
public struct ImageFeatures: OptionSet, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static let layering = ImageFeatures(rawValue: 1 << 0)
    public static let striping = ImageFeatures(rawValue: 1 << 1)
    public static let exclusiveLock = ImageFeatures(rawValue: 1 << 2)
    public static let objectMap = ImageFeatures(rawValue: 1 << 3)
    public static let fastDiff = ImageFeatures(rawValue: 1 << 4)
    public static let deepFlatten = ImageFeatures(rawValue: 1 << 5)
    public static let journaling = ImageFeatures(rawValue: 1 << 6)
    public static let dataPool = ImageFeatures(rawValue: 1 << 7)
    public static let operations = ImageFeatures(rawValue: 1 << 8)
    public static let migrating = ImageFeatures(rawValue: 1 << 9)
    public static let nonPrimary = ImageFeatures(rawValue: 1 << 10)
    public static let dirtyCache = ImageFeatures(rawValue: 1 << 11)

    /// What librbd gives an image when nothing else is said (`RBD_FEATURES_DEFAULT`).
    public static let cephDefault = ImageFeatures(rawValue: crbd_features_default())

    /// Every feature with its name, lowest bit first.
    public static let named: [(name: String, feature: ImageFeatures)] = [
        ("layering", .layering),
        ("striping", .striping),
        ("exclusive-lock", .exclusiveLock),
        ("object-map", .objectMap),
        ("fast-diff", .fastDiff),
        ("deep-flatten", .deepFlatten),
        ("journaling", .journaling),
        ("data-pool", .dataPool),
        ("operations", .operations),
        ("migrating", .migrating),
        ("non-primary", .nonPrimary),
        ("dirty-cache", .dirtyCache),
    ]

    /// The feature of that name, or nil for one that nobody knows.
    public init?(name: String) {
        guard let entry = Self.named.first(where: { $0.name == name }) else { return nil }
        self = entry.feature
    }

    /// The names, lowest bit first. A bit without a name appears as `bit 17`.
    public var names: [String] {
        (0..<UInt64.bitWidth).compactMap { bit in
            let feature = ImageFeatures(rawValue: 1 << UInt64(bit))
            guard contains(feature) else { return nil }
            return Self.named.first { $0.feature == feature }?.name ?? "bit \(bit)"
        }
    }

    public var description: String { names.joined(separator: ",") }
}
