import PluginConfiguration
import Testing
import VolumeCore

/// A setting that stands in for an option of a volume reads what the option reads.
@Suite struct SettingsAndOptionsTests {
    struct Pair: Sendable, CustomTestStringConvertible {
        let setting: Setting
        let option: VolumeOption
        let text: String

        var testDescription: String { "\(setting.name), \(option.rawValue): \(text.debugDescription)" }
    }

    private static func pairs(_ setting: Setting, _ option: VolumeOption, _ texts: [String]) -> [Pair] {
        texts.map { Pair(setting: setting, option: option, text: $0) }
    }

    /// Without blanks at the ends and empty texts: settings come from files and forms, where such blanks mean nothing.
    static let all =
        pairs(
            .defaultPool, .pool,
            [
                "rbd", "a.b_c-d", ".rgw", "größe", "-p", "a/b", "a@b", "a b", "a/\u{338}b", "a@\u{338}b", "a\u{2028}b",
                "a\u{7f}b", String(repeating: "p", count: 200), String(repeating: "p", count: 201),
            ])
        + pairs(
            .defaultSize, .size,
            [
                "512", "512M", "10g", "1TiB", "4P", "0", "-1", "+512", "1.5G", "1.3G", "10Gi", "10 G", "10  G", "5P",
                "512K", "4294967297",
            ])
        + pairs(.defaultFilesystem, .fstype, ["ext4", "EXT4", "Xfs", "BTRFS", "zfs", "ext3", "ext4\u{200b}", "ext 4"])
        + pairs(.defaultOrder, .order, ["12", "22", "25", "022", "+22", "11", "26", "-22", "22.0", "4M", "256"])
        + pairs(
            .defaultFeatures, .features,
            [
                "61", "1", "+61", "3", "191", "2", "0", "256", "-1", "0x3d", "layering", "Layering",
                "LAYERING,Exclusive-Lock",
                "layering,exclusive-lock", "layering, exclusive-lock", "layering exclusive-lock", "layering,", ",",
                "layering,,deep-flatten", "61,", "striping", "layering;", "teleport", "object-map", "journaling",
            ])

    @Test(arguments: all)
    func `a setting and its option read a text alike`(pair: Pair) {
        let set = try? FakeHost().load([pair.setting.name: pair.text]).volumes.defaults
        #expect((set != nil) == isRead(pair), "one takes it, the other does not")
        guard let set else { return }
        let left = try? VolumeRequest(options: pair.option == .pool ? [:] : ["pool": "rbd"], defaults: set)
        let given = try? VolumeRequest(options: options(of: pair), defaults: VolumeDefaults())
        #expect(left?.spec == given?.spec)
    }

    private func options(of pair: Pair) -> [String: String] {
        ["pool": "rbd"].merging([pair.option.rawValue: pair.text]) { $1 }
    }

    /// What is read may still not go with the rest, such as a size with a filesystem.
    private func isRead(_ pair: Pair) -> Bool {
        do {
            _ = try VolumeRequest(options: options(of: pair), defaults: VolumeDefaults())
            return true
        } catch {
            return !error.what.hasPrefix("use option ")
        }
    }

    @Test(arguments: ["true", "TRUE", "1", "yes", "on", "false", "0", "No", "off", "maybe", "2", "own"])
    func `a setting that allows reads yes and no as the option that protects`(text: String) throws {
        let set = try? FakeHost().load(["RBD_ALLOW_ADOPT": text]).volumes.limits.allowsAdoption
        let asked = try? VolumeRequest(options: ["pool": "rbd", "protect": text], defaults: VolumeDefaults())
            .isProtected
        #expect(set == asked)
    }

    @Test func `what cannot be seen in a wrong value is told by its number`() throws {
        let complaint = try #require(FakeHost().complaints(["RBD_DEFAULT_FSTYPE": "ext4\u{200b}"]).first)
        #expect(complaint.hasPrefix(#"RBD_DEFAULT_FSTYPE is "ext4U+200B": "#), "\(complaint)")
    }
}
