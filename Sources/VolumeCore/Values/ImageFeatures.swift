/// The features of an RBD image, bit for bit librbd's `RBD_FEATURE_*`.
public struct ImageFeatures: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

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

    /// All that an image may ever have, those included that are not known here.
    public static let every = ImageFeatures(rawValue: .max)

    /// What a new image gets when nothing else is asked for: all that a current kernel can map, and the exclusive
    /// lock among it, which take-over relies on.
    public static let standard: ImageFeatures = [.layering, .exclusiveLock, .objectMap, .fastDiff, .deepFlatten]

    /// The features that a user may name, in bit order. The others follow from other options or from the image's life.
    static let settable: [(name: String, feature: ImageFeatures)] = [
        ("layering", .layering), ("exclusive-lock", .exclusiveLock), ("object-map", .objectMap),
        ("fast-diff", .fastDiff), ("deep-flatten", .deepFlatten), ("journaling", .journaling),
    ]

    /// Those of them that a new image can be made with.
    var settable: ImageFeatures { intersection(ImageFeatures(Self.settable.map(\.feature))) }

    private static let named =
        settable + [
            ("striping", .striping), ("data-pool", .dataPool), ("operations", .operations),
            ("migrating", .migrating), ("non-primary", .nonPrimary), ("dirty-cache", .dirtyCache),
        ]

    /// The names of the features, as `rbd info` shows them; unknown bits as `bit-N`.
    public var names: [String] {
        var rest = self
        var names: [String] = []
        for (name, feature) in Self.named where contains(feature) {
            names.append(name)
            rest.remove(feature)
        }
        return names + (0..<64).filter { rest.rawValue & (1 << $0) != 0 }.map { "bit-\($0)" }
    }

    /// Takes what `names` gives, `bit-N` of a feature that is not known here included: an image that was adopted can
    /// have such a feature, and its record must stay readable.
    /// - Returns: `nil` for a name that nobody knows.
    public init?(name: String) {
        if let known = Self.named.first(where: { $0.name == name }) {
            self = known.feature
            return
        }
        guard let bit = (0..<64).first(where: { name == "bit-\($0)" }) else { return nil }
        self.init(rawValue: 1 << bit)
    }
}

extension ImageFeatures: CustomStringConvertible {
    public var description: String { names.joined(separator: ",") }
}

extension ImageFeatures: Codable {
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        var features: ImageFeatures = []
        while !container.isAtEnd {
            let name = try container.decode(String.self)
            guard let feature = ImageFeatures(name: name) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "unknown feature '\(name)'")
            }
            features.insert(feature)
        }
        self = features
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for name in names { try container.encode(name) }
    }
}
