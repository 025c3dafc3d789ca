/// The readers of single option values. Each throws a sentence that names the option, the value and what is accepted.
enum OptionValues {
    static func fault(_ option: VolumeOption, _ value: String, accepts: String) -> VolumeError {
        VolumeError(
            .invalidOption, "use option \(option.rawValue)=\(ShownText.shown(value))", why: "it is not \(accepts)",
            outcome: .refused)
    }

    /// Reads a value that settings have as well.
    static func read<Value>(
        _ option: VolumeOption, _ value: String, _ reader: (String) throws(UnfitText) -> Value
    ) throws(VolumeError) -> Value {
        do throws(UnfitText) {
            return try reader(value)
        } catch {
            throw fault(option, value, accepts: error.accepts)
        }
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
}
