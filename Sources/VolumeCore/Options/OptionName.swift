/// The names of options. People write them with hyphens or underscores, in one word, with capital letters in the middle or in front:
/// `mount-options`, `mount_options`, `mountOptions`, `MountOptions` are one option.
package enum OptionName {
    /// Small letters without hyphens and underscores. Two names with the same plain form mean the same option.
    package static func plain(_ name: String) -> String {
        let bytes = name.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
        return String(decoding: bytes.map(inLowerCase), as: UTF8.self)
    }

    /// Letters of ASCII alone: others have small letters that Unicode mistakes for them.
    private static func inLowerCase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension VolumeOption {
    /// - Parameter name: as people write it.
    public init?(name: String) {
        guard let option = Self.byPlainName[OptionName.plain(name)] else { return nil }
        self = option
    }

    /// Further names of this option: what other plugins call it.
    var otherNames: [String] {
        switch self {
        case .fstype: ["filesystem"]
        default: []
        }
    }

    /// All names, each with its option. No two have the same plain form.
    package static let names: [(name: String, option: VolumeOption)] = allCases.flatMap { option in
        ([option.rawValue] + option.otherNames).map { ($0, option) }
    }

    private static let byPlainName = Dictionary(names.map { (OptionName.plain($0.name), $0.option) }) { first, _ in
        first
    }

    /// The option that somebody who wrote this name is likely to have meant.
    static func nearest(to name: String) -> VolumeOption? {
        let plainNames = names.map { OptionName.plain($0.name) }
        guard let nearest = NearestName.of(OptionName.plain(name), among: plainNames) else { return nil }
        return byPlainName[nearest]
    }
}
