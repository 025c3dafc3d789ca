extension ValueReader {
    /// Bytes: `65536`, `64K`, `64KiB`, `1M`. A bare number is bytes, as `rbd create --stripe-unit` has it.
    static func stripeUnit(_ text: String) throws(UnfitText) -> UInt64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shift: UInt64? =
            switch String(text.dropFirst(digits.count)).uppercased() {
            case "", "B": 0
            case "K", "KB", "KI", "KIB": 10
            case "M", "MB", "MI", "MIB": 20
            default: nil
            }
        // Objects have 32 MiB at most.
        guard let shift, let count = UInt64(digits), count > 0, count <= (32 << 20) >> shift,
            (count << shift).nonzeroBitCount == 1, count << shift >= 4096
        else {
            throw UnfitText(accepts: "a power of two from 4K to 32M, such as 65536 (a bare number is bytes), 64K or 1M")
        }
        return count << shift
    }

    static let mostStripedObjects: UInt64 = 1024

    static func stripeCount(_ text: String) throws(UnfitText) -> UInt64 {
        guard let count = DecimalNumber<UInt64>(text)?.value, (1...mostStripedObjects).contains(count) else {
            throw UnfitText(accepts: "a number of objects from 1 to \(mostStripedObjects)")
        }
        return count
    }
}

extension VolumeSpec {
    /// How the new image is striped; `nil` for one object after the other.
    public var striping: ImageStriping? {
        guard let stripeUnit, let stripeCount else { return nil }
        return ImageStriping(unit: stripeUnit, count: stripeCount, order: order)
    }

    /// The features that the new image has: those that were asked for, and what its layout takes.
    public var featuresOfImage: ImageFeatures { striping == nil ? features : features.union(.striping) }

    /// Checks that unit and count go with each other, and with the object size.
    /// - Throws: `VolumeError` with code `invalidOption`.
    func checkStriping() throws(VolumeError) {
        let example = "such as '-o stripe-unit=64K -o stripe-count=4'"
        guard let stripeUnit, let stripeCount else {
            if stripeUnit == nil && stripeCount == nil { return }
            throw VolumeError.refusedCreate(
                "of stripe-unit and stripe-count only \(stripeUnit == nil ? "stripe-count" : "stripe-unit") is given",
                remedy: "give both, \(example), or neither")
        }
        guard stripeUnit <= 1 << UInt64(order) else {
            let object = VolumeSize(bytes: 1 << UInt64(order))
            throw VolumeError.refusedCreate(
                "stripe-unit=\(VolumeSize(bytes: stripeUnit)) with stripe-count=\(stripeCount) is more than an object,"
                    + " which has \(object) (order=\(order))",
                remedy: "give a stripe-unit of \(object) at most, or a larger order")
        }
    }
}
