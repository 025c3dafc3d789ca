import Testing
import VolumeCore

/// Mount and mkfs options that settings have for volumes which give none.
@Suite struct FilesystemWordsTests {
    private func words(_ option: VolumeOption, _ text: String) throws -> FilesystemWords {
        try FilesystemWords(option, text)
    }

    private func refusal(_ option: VolumeOption, _ text: String) -> String? {
        do {
            _ = try FilesystemWords(option, text)
            return nil
        } catch {
            return error.accepts
        }
    }

    @Test("A plain list is for every filesystem")
    func forAll() throws {
        let words = try words(.mountOptions, "noatime,discard")
        for filesystem in FilesystemType.allCases { #expect(words[filesystem] == ["noatime", "discard"]) }
    }

    @Test("With names of filesystems each gets its own list, and one without a name gets nothing")
    func forEach() throws {
        let mount = try words(.mountOptions, "ext4:noatime,commit=30; XFS:noatime,logbsize=256k")
        #expect(mount[.ext4] == ["noatime", "commit=30"])
        #expect(mount[.xfs] == ["noatime", "logbsize=256k"])
        #expect(mount[.btrfs] == [])
        let mkfs = try words(.mkfsOptions, "ext4:-m 0 -E root_owner=1:1")
        #expect(mkfs[.ext4] == ["-m", "0", "-E", "root_owner=1:1"])
        #expect(mkfs[.xfs] == [] && mkfs[.btrfs] == [])
        #expect(FilesystemWords()[.ext4] == [])
    }

    @Test(
        "What a filesystem does not have is refused by its name and the word",
        arguments: [
            (VolumeOption.mountOptions, "commit=30", ["xfs", "'commit=30'"]),
            (.mountOptions, "noatime,logbsize=256k", ["ext4", "'logbsize=256k'", "FSTYPE:LIST"]),
            (.mountOptions, "ext4:logbsize=256k", ["ext4", "'logbsize=256k'"]),
            (.mountOptions, "ext4:errors=panic", ["'errors=panic'"]), (.mountOptions, "zfs:noatime", ["'zfs:noatime'"]),
            (.mountOptions, "noatime, discard", ["comma-separated"]),
            (.mountOptions, "noatime;ext4:commit=30", ["ext4:LIST"]), (.mountOptions, "noatime;discard", ["ext4:LIST"]),
            (.mountOptions, "ext4:noatime;ext4:commit=30", ["ext4:LIST"]),
            (.mountOptions, "ext4:noatime;", ["ext4:LIST"]),
            (.mkfsOptions, "-m 0", ["ext4:LIST"]), (.mkfsOptions, "xfs:-i 8192", ["xfs", "-i 8192"]),
            (.mkfsOptions, "ext4:-d /etc", ["names no path"]), (.mkfsOptions, "ext4:-d etc", ["-d"]),
            (.mountOptions, String(repeating: "noatime,", count: 129), ["1024 bytes"]),
        ] as [(VolumeOption, String, [String])])
    func refused(_ option: VolumeOption, _ text: String, _ said: [String]) {
        let refusal = refusal(option, text)
        for word in said { #expect(refusal?.contains(word) == true, "\(refusal ?? "taken")") }
    }

    @Test(
        "It is told as it is written",
        arguments: ["noatime", "ext4:noatime,commit=30;xfs:noatime", "btrfs:compress=zstd"])
    func told(_ text: String) throws {
        let words = try words(.mountOptions, text)
        let error = OptionHelp.answer(to: "", defaults: VolumeDefaults(mountOptions: words))
        #expect(error.description.contains(" Default: \(text)."), "\(error)")
    }

    // MARK: In a Create

    private static let defaults: VolumeDefaults = {
        var defaults = VolumeDefaults(pool: "rbd")
        // The texts are good: `forEach` reads their like.
        defaults.mountOptions = (try? FilesystemWords(.mountOptions, "ext4:noatime,commit=30;xfs:nouuid")) ?? .init()
        defaults.mkfsOptions = (try? FilesystemWords(.mkfsOptions, "ext4:-m 0;btrfs:-K")) ?? .init()
        return defaults
    }()

    @Test(
        "A volume gets the list of its own filesystem, unless it gives one",
        arguments: [
            ([:], ["-m", "0"], ["noatime", "commit=30"]), (["fstype": "xfs"], [], ["nouuid"]),
            (["fstype": "btrfs"], ["-K"], []), (["mount-options": "discard"], ["-m", "0"], ["discard"]),
            (["mount-options": ""], ["-m", "0"], []), (["mkfsOptions": ""], [], ["noatime", "commit=30"]),
            (["mkfs-options": "-N 512", "mount_options": "ro"], ["-N", "512"], ["ro"]),
        ] as [([String: String], [String], [String])])
    func filledIn(_ options: [String: String], _ mkfs: [String], _ mount: [String]) throws {
        let request = try VolumeRequest(options: options, defaults: Self.defaults)
        #expect(request.spec.mkfsOptions == mkfs)
        #expect(request.spec.mountOptions == mount)
    }

    @Test("What a volume has from the settings contradicts nothing: another node's settings may differ")
    func noContradiction() throws {
        let request = try VolumeRequest(options: [:], defaults: Self.defaults)
        #expect(request.contradiction(to: VolumeSpec(pool: "rbd")) == nil)
    }

    @Test("An image that is adopted is never formatted, so it gets no mkfs options")
    func adopted() throws {
        let request = try VolumeRequest(options: ["adopt": "true", "fstype": "ext4"], defaults: Self.defaults)
        #expect(request.spec.mkfsOptions == [])
        #expect(request.spec.mountOptions == ["noatime", "commit=30"])
    }
}
