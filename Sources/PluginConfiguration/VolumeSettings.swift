/// What a volume gets when the options of its creation do not say.
public struct VolumeSettings: Sendable, Equatable {
    /// Nil: every creation must name its pool.
    public var pool: String?
    /// Bytes.
    public var size: UInt64
    /// `ext4`, `xfs` or `btrfs`.
    public var filesystem: String
    /// Objects are 2^order bytes.
    public var order: Int
    public var features: FeatureList
    /// The only pools that volumes may use; nil for no such limit.
    public var allowedPools: [String]?
    /// Whether volumes may be made of images that are there already.
    public var allowsAdoption: Bool
    /// Bytes; nil for no limit.
    public var maxSize: UInt64?
    /// How many volumes there may be.
    public var maxVolumes: Int
}

extension VolumeSettings {
    init?(from reader: inout SettingsReader) {
        let pool = reader.value(.defaultPool, Self.poolName)
        let size = reader.value(.defaultSize, SizeText.bytes)
        let filesystem = reader.value(.defaultFilesystem, Self.filesystem)
        let order = reader.value(.defaultOrder, Self.order)
        let features = reader.value(.defaultFeatures, FeatureList.parse)
        // Read even when it is overridden: a wrong value in it would reach ceph.conf.
        let clientFeatures = reader.value(.clientDefaultFeatures, FeatureList.parse)
        let allowedPools = reader.value(.allowedPools) { text throws(Refusal) in
            try Self.allowedPools(text, standard: pool)
        }
        let allowsAdoption = reader.value(.allowAdopt, Self.flag)
        let maxSize = reader.value(.maxSize) { text throws(Refusal) in try Self.maxSize(text, standard: size) }
        let maxVolumes = reader.value(.maxVolumes, Self.maxVolumes)
        guard let size, let filesystem, let order, let allowsAdoption, let maxVolumes else { return nil }
        self.init(
            pool: pool, size: size, filesystem: filesystem, order: order,
            features: features ?? clientFeatures ?? FeatureList.standard, allowedPools: allowedPools,
            allowsAdoption: allowsAdoption, maxSize: maxSize, maxVolumes: maxVolumes)
    }

    private static func allowedPools(_ text: String, standard: String?) throws(Refusal) -> [String] {
        var pools: [String] = []
        for part in Text.commaSeparated(text) {
            guard !part.isEmpty, let pool = try? poolName(part) else {
                throw Refusal("it must be names of pools, separated by commas")
            }
            pools.append(pool)
        }
        guard standard.map(pools.contains) ?? true else { throw Refusal("it must contain RBD_DEFAULT_POOL") }
        return pools
    }

    private static func flag(_ text: String) throws(Refusal) -> Bool {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: throw Refusal("it must be true or false")
        }
    }

    private static func maxSize(_ text: String, standard: UInt64?) throws(Refusal) -> UInt64 {
        let bytes = try SizeText.bytes(text)
        guard bytes >= standard ?? 0 else {
            throw Refusal("it must not be less than RBD_DEFAULT_SIZE, or no volume could be created without a size")
        }
        return bytes
    }

    private static func maxVolumes(_ text: String) throws(Refusal) -> Int {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text), number > 0 else {
            throw Refusal("it must be a number greater than 0")
        }
        return number
    }

    private static func poolName(_ text: String) throws(Refusal) -> String {
        guard !text.hasPrefix("-"), !text.contains(where: { "/@".contains($0) || $0.isWhitespace }) else {
            throw Refusal("it must be the name of a pool, without blanks, \"/\", \"@\" and a leading \"-\"")
        }
        return text
    }

    private static func filesystem(_ text: String) throws(Refusal) -> String {
        let known = ["ext4", "xfs", "btrfs"]
        guard known.contains(text.lowercased()) else {
            throw Refusal("it must be one of \(known.joined(separator: ", "))")
        }
        return text.lowercased()
    }

    private static func order(_ text: String) throws(Refusal) -> Int {
        guard let order = Int(text), (12...25).contains(order) else {
            throw Refusal("it must be a number from 12 (objects of 4 KiB) to 25 (32 MiB); 22 is 4 MiB")
        }
        return order
    }
}
