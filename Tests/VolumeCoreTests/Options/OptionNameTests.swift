import Testing
import VolumeCore

/// The names of options, as people write them.
@Suite struct OptionNameTests {
    private func request(_ options: [String: String]) throws -> VolumeRequest {
        try VolumeRequest(options: options, defaults: VolumeDefaults(pool: "rbd"))
    }

    @Test(
        "An option may be written with hyphens, underscores, capital letters, or in one word",
        arguments: [
            ("Size", .size), ("SIZE", .size), ("fsType", .fstype), ("fs-type", .fstype), ("fs_type", .fstype),
            ("filesystem", .fstype), ("FileSystem", .fstype), ("mountOptions", .mountOptions),
            ("mount_options", .mountOptions), ("MOUNT-OPTIONS", .mountOptions), ("mountoptions", .mountOptions),
            ("mkfsOptions", .mkfsOptions), ("mkfs_options", .mkfsOptions), ("mapOptions", .mapOptions),
            ("dataPool", .dataPool), ("data_pool", .dataPool), ("DataPool", .dataPool), ("Pool", .pool),
            ("nameSpace", .namespace), ("UID", .uid),
        ] as [(String, VolumeOption)])
    func spellings(_ name: String, _ option: VolumeOption) throws {
        #expect(VolumeOption(name: name) == option)
        #expect(try VolumeOption(name: #require(VolumeOption(name: option.rawValue)).rawValue) == option)
    }

    @Test(
        "Letters that only look like those of a name make another name",
        arguments: [
            "\u{212A}ey", "s\u{131}ze", "\u{17F}ize", "ｓｉｚｅ", "si\u{301}ze", "size ", " size", "si ze", "si.ze",
            "size\u{AD}",
        ])
    func lookalikes(_ name: String) {
        #expect(VolumeOption(name: name) == nil)
    }

    @Test("No two names mean different options once hyphens, underscores and capital letters are gone")
    func noCollision() {
        let all = VolumeOption.names.map(\.name) + RuntimeOption.allCases.map(\.rawValue) + ["help"]
        for (plain, names) in Dictionary(grouping: all, by: OptionName.plain) {
            #expect(names.count == 1, "\(plain) is \(names)")
            #expect(!plain.isEmpty)
        }
        for (name, option) in VolumeOption.names { #expect(VolumeOption(name: name) == option, "\(name)") }
        #expect(VolumeOption.allCases.allSatisfy { option in VolumeOption.names.contains { $0.option == option } })
    }

    @Test("What is asked for is kept by the plugin's own names, whatever its spelling")
    func keptByOneName() throws {
        let spelled = try request(["POOL": "fast", "Size": "1.5G", "mount_options": "noatime", "fsType": "XFS"])
        let plain = try request(["pool": "fast", "size": "1.5G", "mount-options": "noatime", "fstype": "XFS"])
        #expect(spelled == plain)
        #expect(
            spelled.options == ["pool": "fast", "size": "1.5G", "mount-options": "noatime", "fstype": "XFS"])
        #expect(spelled.spec.filesystem == .xfs)
    }

    @Test("An image that is adopted for good goes with its volume, however the option was spelled")
    func adoptedForGood() throws {
        let request = try request(["Adopt": "Own"])
        var record = VolumeRecord(
            name: try VolumeName("db"), uid: "u", phase: .ready, spec: request.spec, options: request.options,
            createdAt: "")
        record.origin = .adopted
        #expect(!record.keepsImage)
    }

    @Test("Two spellings of one option with different values are refused, and both are named")
    func twice() {
        let error = failure(["mkfs-options": "-m 1", "mkfsOptions": "-m 2"])
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(
            error?.why
                == "the option mkfs-options is given twice with different values, as 'mkfs-options' and as 'mkfsOptions'"
        )
        #expect(
            failure(["fstype": "xfs", "filesystem": "ext4"])?.why.contains("as 'filesystem' and as 'fstype'") == true)
        #expect(failure(["Size": "1G", "size": "1G"]) == nil)
    }

    @Test(
        "The refusal of an unknown option names the one that was probably meant",
        arguments: [
            ("sizes", "size"), ("sise", "size"), ("Szie", "size"), ("pol", "pool"), ("filesytem", "fstype"),
            ("fstyp", "fstype"), ("mount-option", "mount-options"), ("mount", "mount-options"),
            ("mkfs", "mkfs-options"),
            ("mkfsOpts", "mkfs-options"), ("dataPol", "data-pool"), ("protected", "protect"), ("featuers", "features"),
        ])
    func nearest(_ name: String, _ meant: String) {
        let remedy = failure([name: "x"])?.remedy
        #expect(remedy?.hasPrefix("did you mean '\(meant)'? known options are ") == true, "\(remedy ?? "taken")")
    }

    @Test(
        "A name that is like no option gets the list alone",
        arguments: ["", "x", "colour", "replicas", "-", "__", "💾", String(repeating: "size", count: 1000)])
    func likeNone(_ name: String) {
        #expect(failure([name: "x"])?.remedy.hasPrefix("known options are ") == true)
    }
}
