/// The readers of single option values. Each throws a sentence that names the option, the value and what is accepted.
enum OptionValues {
    static func fault(_ option: VolumeOption, _ value: String, accepts: String) -> VolumeError {
        VolumeError(
            .invalidOption, "use option \(option.rawValue)=\(ShownText.shown(value))", why: "it is not \(accepts)",
            outcome: .refused)
    }

    static func size(_ value: String) throws(VolumeError) -> VolumeSize {
        guard let size = VolumeSize(parsing: value) else {
            throw fault(
                .size, value,
                accepts: "a size from 1M to \(VolumeSize.maximum), such as 512 (a bare number is MB), 512M, 10G or 1T")
        }
        return size
    }

    static func order(_ value: String) throws(VolumeError) -> UInt8 {
        guard let order = DecimalNumber<UInt8>(value)?.value, (12...25).contains(order) else {
            throw fault(.order, value, accepts: "a number from 12 (objects of 4 KiB) to 25 (objects of 32 MiB)")
        }
        return order
    }

    static func filesystem(_ value: String) throws(VolumeError) -> FilesystemType {
        guard let type = FilesystemType(rawValue: value) else {
            let known = FilesystemType.allCases.map(\.rawValue).joined(separator: ", ")
            throw fault(.fstype, value, accepts: "one of \(known)")
        }
        return type
    }

    /// A pool or namespace name that can neither be taken for a tool's option nor change an image's path.
    static func place(_ option: VolumeOption, _ value: String) throws(VolumeError) -> String {
        let bad = value.unicodeScalars.contains {
            $0 == "/" || $0 == "@" || $0.properties.isWhitespace || $0.value < 0x20 || $0.value == 0x7f
        }
        guard !value.isEmpty, !value.hasPrefix("-"), !bad, value.utf8.count <= 200 else {
            throw fault(option, value, accepts: "a name without blanks, '/', '@' or a leading '-'")
        }
        return value
    }

    /// Feature names separated by commas or blanks, or the number that `rbd_default_features` takes.
    static func features(_ value: String) throws(VolumeError) -> ImageFeatures {
        let known = ImageFeatures.settable.map(\.name).joined(separator: ", ")
        var features: ImageFeatures = []
        if let bits = DecimalNumber<UInt64>(value)?.value {
            features = ImageFeatures(rawValue: bits)
            let settable = ImageFeatures.settable.reduce(into: ImageFeatures()) { $0.insert($1.feature) }
            guard features.isSubset(of: settable), bits > 0 else {
                throw fault(.features, value, accepts: "the sum of the bits of \(known)")
            }
        } else {
            for name in value.split(whereSeparator: { $0 == "," || $0 == " " }) {
                guard let feature = ImageFeatures.settable.first(where: { $0.name == name })?.feature else {
                    throw fault(.features, value, accepts: "a list of \(known)")
                }
                features.insert(feature)
            }
            guard !features.isEmpty else { throw fault(.features, value, accepts: "a list of \(known)") }
        }
        if let missing = missingDependency(of: features) {
            throw fault(.features, value, accepts: "complete: \(missing)")
        }
        return features
    }

    private static func missingDependency(of features: ImageFeatures) -> String? {
        let needs: [(ImageFeatures, ImageFeatures, String)] = [
            (.objectMap, .exclusiveLock, "object-map needs exclusive-lock"),
            (.fastDiff, .objectMap, "fast-diff needs object-map"),
            (.journaling, .exclusiveLock, "journaling needs exclusive-lock"),
        ]
        return needs.first { features.contains($0.0) && !features.contains($0.1) }?.2
    }

    /// mkfs arguments. A path among them could make mkfs write somewhere else than on the new image.
    static func mkfsWords(_ value: String) throws(VolumeError) -> [String] {
        let words = value.split(whereSeparator: \.isWhitespace).map(String.init)
        let safe = words.allSatisfy { word in
            !word.contains("/") && word.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f }
        }
        guard safe, words.first.map({ $0.hasPrefix("-") }) ?? true else {
            throw fault(
                .mkfsOptions, value, accepts: "a list of mkfs arguments that begins with an option and names no path")
        }
        return words
    }

    /// Mount options. A path among them names another device: a log, a further disk of a filesystem.
    static func mountWords(_ value: String) throws(VolumeError) -> [String] {
        let words = try commaSeparated(.mountOptions, value)
        if let path = words.first(where: { $0.contains("/") }) {
            throw fault(
                .mountOptions, value,
                accepts: "a list of mount options without paths ('\(ShownText.shown(path))' has one)")
        }
        return words
    }

    static func commaSeparated(_ option: VolumeOption, _ value: String) throws(VolumeError) -> [String] {
        let words = value.split(separator: ",").map(String.init)
        let clean = words.allSatisfy { word in
            !word.hasPrefix("-") && word.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f }
        }
        guard clean else { throw fault(option, value, accepts: "a comma-separated list of options") }
        return words
    }

    static func identifier(_ option: VolumeOption, _ value: String) throws(VolumeError) -> UInt32 {
        guard let id = DecimalNumber<UInt32>(value)?.value, id < UInt32.max else {
            throw fault(option, value, accepts: "a number from 0 to \(UInt32.max - 1)")
        }
        return id
    }

    static func mode(_ value: String) throws(VolumeError) -> UInt16 {
        guard value.allSatisfy({ $0.isASCII && $0.isNumber }), let mode = UInt16(value, radix: 8), mode <= 0o7777 else {
            throw fault(.mode, value, accepts: "an octal mode such as 0750")
        }
        return mode
    }

    static func adoption(_ value: String) throws(VolumeError) -> Adoption {
        guard let adoption = Adoption(value) else { throw fault(.adopt, value, accepts: "true, own or false") }
        return adoption
    }

    static func flag(_ option: VolumeOption, _ value: String) throws(VolumeError) -> Bool {
        switch value.lowercased() {
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default: throw fault(option, value, accepts: "true or false")
        }
    }
}
