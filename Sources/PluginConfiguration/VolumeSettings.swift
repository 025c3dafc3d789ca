import VolumeCore

/// What volumes get when the options of their creation do not say, and what users may have.
public struct VolumeSettings: Sendable, Equatable {
    public var defaults: VolumeDefaults
    public var limits: VolumeLimits
}

extension VolumeSettings {
    init?(from reader: inout SettingsReader) {
        let pool = reader.value(.defaultPool, Text.asInOptions(ValueReader.place))
        let size = reader.value(.defaultSize, Text.asInOptions(ValueReader.size))
        let filesystem = reader.value(.defaultFilesystem, Text.asInOptions(ValueReader.filesystem))
        let order = reader.value(.defaultOrder, Text.asInOptions(ValueReader.order))
        let features = reader.value(.defaultFeatures, Text.asInOptions(ValueReader.features))
        let mkfsOptions = reader.value(.defaultMkfsOptions, Self.words(.mkfsOptions))
        let mountOptions = reader.value(.defaultMountOptions, Self.words(.mountOptions))
        // Read even when it is overridden: a wrong value in it would reach ceph.conf.
        let clientFeatures = reader.value(.clientDefaultFeatures, Text.asInOptions(ValueReader.features))
        let limits = Self.limits(from: &reader, pool: pool, size: size)
        guard let size, let filesystem, let order, let limits else { return nil }
        defaults = VolumeDefaults(
            pool: pool, size: size, order: order, features: features ?? clientFeatures ?? .standard,
            filesystem: filesystem, mkfsOptions: mkfsOptions ?? FilesystemWords(),
            mountOptions: mountOptions ?? FilesystemWords())
        self.limits = limits
    }

    private static func words(_ option: VolumeOption) -> (String) throws(Refusal) -> FilesystemWords {
        Text.asInOptions { text throws(UnfitText) in try FilesystemWords(option, text) }
    }

    /// - Parameters:
    ///   - pool: that of a volume whose options name none.
    ///   - size: that of a volume whose options give none.
    private static func limits(
        from reader: inout SettingsReader, pool: String?, size: VolumeSize?
    ) -> VolumeLimits? {
        let pools = reader.value(.allowedPools) { text throws(Refusal) in try allowedPools(text, standard: pool) }
        let allowsAdoption = reader.value(.allowAdopt, Text.asInOptions(ValueReader.flag))
        let largestSize = reader.value(.maxSize) { text throws(Refusal) in try maxSize(text, standard: size) }
        let mostVolumes = reader.value(.maxVolumes, maxVolumes)
        guard let allowsAdoption, let mostVolumes else { return nil }
        return VolumeLimits(
            mostVolumes: mostVolumes, largestSize: largestSize, pools: pools, allowsAdoption: allowsAdoption)
    }

    private static func allowedPools(_ text: String, standard: String?) throws(Refusal) -> [String] {
        var pools: [String] = []
        for part in Text.commaSeparated(text) {
            guard let pool = try? ValueReader.place(part) else {
                throw Refusal("it must be names of pools, separated by commas")
            }
            pools.append(pool)
        }
        guard standard.map(pools.contains) ?? true else { throw Refusal("it must contain RBD_DEFAULT_POOL") }
        return pools
    }

    private static func maxSize(_ text: String, standard: VolumeSize?) throws(Refusal) -> VolumeSize {
        let size = try Text.asInOptions(ValueReader.size)(text)
        if let standard, size < standard {
            throw Refusal("it must not be less than RBD_DEFAULT_SIZE, or no volume could be created without a size")
        }
        return size
    }

    private static func maxVolumes(_ text: String) throws(Refusal) -> Int {
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text), number > 0 else {
            throw Refusal("it must be a number greater than 0")
        }
        return number
    }
}
