/// Mount or mkfs options that a setting has for volumes which give none: a list for each filesystem.
public struct FilesystemWords: Sendable, Hashable {
    private let words: [FilesystemType: [String]]

    /// For no filesystem any.
    public init() { words = [:] }

    /// Reads `noatime`, which every filesystem must have, or `ext4:noatime,commit=30;xfs:noatime`, which says of each what it
    /// gets. A filesystem that is not named there gets nothing.
    ///
    /// The options of mkfs have the same letters for other things with each filesystem: they are always for one of them.
    /// - Parameter option: the one that is to be filled in.
    /// - Throws: `UnfitText` for what the option would be refused for.
    package init(_ option: VolumeOption, _ text: String) throws(UnfitText) {
        guard text.utf8.count <= OptionLimits.value else {
            throw UnfitText(accepts: "at most \(OptionLimits.value) bytes long")
        }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.divided)
        var words: [FilesystemType: [String]] = [:]
        for (filesystem, list) in parts {
            if let filesystem, words[filesystem] == nil {
                words[filesystem] = try Self.read(option, list, filesystem)
            } else if filesystem == nil, parts.count == 1, option == .mountOptions {
                for each in FilesystemType.allCases { words[each] = try Self.read(option, list, each, isForAll: true) }
            } else {
                let forAll = option == .mountOptions ? "one list for all filesystems, or " : ""
                throw UnfitText(accepts: forAll + "one list for each filesystem: ext4:LIST;xfs:LIST")
            }
        }
        self.words = words
    }

    /// `ext4:noatime` is `noatime` for ext4.
    private static func divided(_ part: Substring) -> (filesystem: FilesystemType?, list: String) {
        let pieces = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(pieces[0].drop { $0 == " " })
        guard pieces.count == 2, let filesystem = try? ValueReader.filesystem(name) else { return (nil, String(part)) }
        return (filesystem, String(pieces[1]))
    }

    private static func read(
        _ option: VolumeOption, _ list: String, _ filesystem: FilesystemType, isForAll: Bool = false
    ) throws(UnfitText) -> [String] {
        var spec = VolumeSpec(pool: "", filesystem: filesystem)
        do throws(VolumeError) {
            try spec.set(option, list)
            try spec.checkMkfsOptions()
            try spec.checkMountOptions()
        } catch {
            let apart = isForAll ? "; write FSTYPE:LIST, such as 'ext4:\(list)', for what one filesystem alone has" : ""
            throw UnfitText(accepts: "what \(option.rawValue) can be: \(error.why)\(apart)")
        }
        return option == .mkfsOptions ? spec.mkfsOptions : spec.mountOptions
    }

    /// What a volume with this filesystem gets.
    public subscript(filesystem: FilesystemType) -> [String] { words[filesystem] ?? [] }

    /// As it can be read again; `nil` where there is nothing.
    func text(separator: String) -> String? {
        let lists = FilesystemType.allCases.map { ($0, self[$0].joined(separator: separator)) }
        if Set(lists.map(\.1)).count == 1 { return lists[0].1.isEmpty ? nil : lists[0].1 }
        return lists.filter { !$0.1.isEmpty }.map { "\($0.0.rawValue):\($0.1)" }.joined(separator: ";")
    }
}
