extension ValueReader {
    /// Feature names separated by commas or blanks, or the number that `rbd_default_features` takes.
    package static func features(_ text: String) throws(UnfitText) -> ImageFeatures {
        let features = if let bits = UInt64(text) { try numbered(bits) } else { try named(text) }
        if let missing = missingDependency(of: features) { throw UnfitText(accepts: "complete: \(missing)") }
        return features
    }

    /// librbd sets these by itself when an image has such a layout, so that a number with them means no more than without.
    private static let impliedByLayout: ImageFeatures = [.striping, .dataPool]

    private static func numbered(_ bits: UInt64) throws(UnfitText) -> ImageFeatures {
        let features = ImageFeatures(rawValue: bits).subtracting(impliedByLayout)
        let settable = ImageFeatures.settable.reduce(into: ImageFeatures()) { $0.insert($1.feature) }
        guard features.isSubset(of: settable), !features.isEmpty else {
            throw UnfitText(accepts: "the sum of the bits of \(knownNames)")
        }
        return features
    }

    private static func named(_ text: String) throws(UnfitText) -> ImageFeatures {
        var features: ImageFeatures = []
        for name in text.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let feature = ImageFeatures.settable.first(where: { $0.name == name })?.feature else {
                throw UnfitText(accepts: "a list of \(knownNames)")
            }
            features.insert(feature)
        }
        guard !features.isEmpty else { throw UnfitText(accepts: "a list of \(knownNames)") }
        return features
    }

    private static var knownNames: String { ImageFeatures.settable.map(\.name).joined(separator: ", ") }

    private static func missingDependency(of features: ImageFeatures) -> String? {
        let needs: [(ImageFeatures, ImageFeatures, String)] = [
            (.objectMap, .exclusiveLock, "object-map needs exclusive-lock"),
            (.fastDiff, .objectMap, "fast-diff needs object-map"),
            (.journaling, .exclusiveLock, "journaling needs exclusive-lock"),
        ]
        return needs.first { features.contains($0.0) && !features.contains($0.1) }?.2
    }
}
