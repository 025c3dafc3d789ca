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
        guard let size, let filesystem, let order else { return nil }
        self.init(
            pool: pool, size: size, filesystem: filesystem, order: order,
            features: features ?? clientFeatures ?? FeatureList.standard)
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
