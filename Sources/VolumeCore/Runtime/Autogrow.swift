/// When a mounted volume is made larger by itself, and by how much.
public struct Autogrow: Sendable, Hashable {
    /// It grows once its filesystem is fuller than this, in percent of its bytes or of its inodes.
    public var at: Int
    public var by: GrowthStep
    /// It never becomes larger than this.
    public var max: VolumeSize

    public init(at: Int, by: GrowthStep = .standard, max: VolumeSize) {
        self.at = at
        self.by = by
        self.max = max
    }
}

/// By how much a volume grows at a time.
public enum GrowthStep: Sendable, Hashable {
    /// Of the size that it has.
    case percent(Int)
    case size(VolumeSize)

    public static let standard = GrowthStep.percent(20)

    init(_ text: String) throws(UnfitText) {
        if text.hasSuffix("%") {
            guard let percent = DecimalNumber<UInt16>(text.dropLast())?.value, (1...1000).contains(percent) else {
                throw UnfitText(accepts: RuntimeValues.growthSteps)
            }
            self = .percent(Int(percent))
        } else {
            guard let size = VolumeSize(parsing: text) else { throw UnfitText(accepts: RuntimeValues.growthSteps) }
            self = .size(size)
        }
    }

    /// The size that a volume of `size` has after one step, in whole MiB.
    public func after(_ size: VolumeSize) -> VolumeSize {
        let more: UInt64 =
            switch self {
            case .percent(let percent): size.bytes / 100 * UInt64(percent)
            case .size(let step): step.bytes
            }
        let bytes = min(size.bytes + more, VolumeSize.maximum.bytes)
        let whole = (bytes + (1 << 20) - 1) >> 20
        return VolumeSize(bytes: max(whole << 20, size.bytes))
    }
}

extension GrowthStep: CustomStringConvertible {
    public var description: String {
        switch self {
        case .percent(let percent): "\(percent)%"
        case .size(let size): "\(size)"
        }
    }
}
