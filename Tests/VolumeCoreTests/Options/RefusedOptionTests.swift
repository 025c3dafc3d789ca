import Testing
import VolumeCore

@Suite struct RefusedOptionTests {
    private func failure(_ options: [String: String], _ defaults: VolumeDefaults = VolumeDefaults()) -> VolumeError? {
        do {
            _ = try VolumeRequest(options: options, defaults: defaults)
            return nil
        } catch {
            return error
        }
    }

    static let badValues: [(VolumeOption, [String])] = [
        (
            .pool,
            ["", "-p", "--pool", "a/b", "a@b", "a b", "a\tb", "a\nb", "a\u{0}b", String(repeating: "p", count: 201)]
        ),
        (.dataPool, ["", "-p", "a/b", "a@b", "a b"]),
        (.namespace, ["-n", "a/b", "a@b", "a b", "a\u{7F}b"]),
        (
            .size,
            [
                "", "0", "-1", "1e99", "abc", "18446744073709551615", "17179869184G", "5P", "512K", "1.3G", "10  G",
                "1.G",
            ]
        ),
        (.order, ["", "0", "11", "26", "-22", "22.0", "4M", "abc", "256", "18446744073709551616"]),
        (.fstype, ["", "ext3", "EXT3", "ext4 ", "zfs", "../ext4", "ext4;reboot"]),
        (
            .features,
            [
                "", ",", " ", "0", "2", "128", "256", "2048", "4096", "130", "-1", "0x3d", "all",
                "layering;",
                "striping", "data-pool", "layering,teleport", "18446744073709551616", "object-map",
                "exclusive-lock,fast-diff", "journaling", "8", "64",
            ]
        ),
        (.stripeUnit, ["", "0", "4095", "2K", "3K", "65537", "48K", "64M", "-64K", "1G", "64 K", "0.5M", "x"]),
        (.stripeCount, ["", "0", "1025", "-4", "+4", "4.0", "all"]),
        (
            .mkfsOptions,
            [
                "/dev/sda", "-F /dev/sda", "ext4", "x -m 0", "-L ../x", "-L a\u{0}b", "-L höhle", "-E root_owner=1:1/x",
                "-d /etc",
            ]
        ),
        (
            .mountOptions,
            [
                "bind", "rbind", "move", "remount", "remount,ro", "noatime,bind", "loop", "loop=/dev/loop0",
                "offset=512",
                "sizelimit=1", "helper=x", "uhelper=x", "encryption=aes", "x-systemd.automount", "X-mount.mkdir",
                "-o", "noatime,-v", "no atime", "noatime\n", "a\u{0}b", "ünsync",
            ]
        ),
        (.mapOptions, ["-o", "queue_depth=1,-x", "queue depth", "a\u{0}b", "a\nb", "ä"]),
        (.uid, ["", "-1", "+1", "root", "4294967295", "4294967296", "1.0", "0x1"]),
        (.gid, ["", "-1", "+1", "wheel", "4294967295"]),
        (.mode, ["", "8", "0o755", "rwxr-xr-x", "-1", "+755", "10000", "77777", "0755 ", "٧"]),
        (.access, ["", "ro", "readonly", "read only", "read-only ", "write", "none"]),
        (.adopt, ["", "maybe", "2", "true ", "y", "owns"]), (.protect, ["", "maybe", "2", "own"]),
        (.from, ["", "-x", "a b", "a/b/c", "höhe", String(repeating: "p", count: 201)]),
        (.fromSnapshot, ["", "-x", "a b", "a/b", "a@b", String(repeating: "s", count: 129)]),
        (.policy, ["", "-x", "a.b", "a/b", "a b", "gold\n", "höhe", String(repeating: "p", count: 65)]),
    ]

    @Test func everyOptionHasBadValues() {
        #expect(Set(Self.badValues.map(\.0)) == Set(VolumeOption.allCases))
    }

    @Test(arguments: badValues)
    func aBadValueIsRefusedByNameAndValue(_ option: VolumeOption, _ values: [String]) {
        for value in values {
            var options = ["pool": "rbd"]
            options[option.rawValue] = value
            guard let error = failure(options) else {
                Issue.record("\(option.rawValue)='\(value)' was taken")
                continue
            }
            #expect(error.code == .invalidOption)
            #expect(error.outcome == .refused)
            #expect(error.what == "use option \(option.rawValue)=\(ShownText.shown(value))")
            #expect(error.why.hasPrefix("it is not "), "\(error.why)")
            #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
            #expect(error.description.utf8.count < 500)
        }
    }

    /// What is accepted is part of the error: nobody has to look it up.
    @Test(
        arguments: [
            (VolumeOption.size, "x", ["1M", "4P", "512", "10GiB"]),
            (.size, "1.3G", ["a whole number of MB", "write 1331M or 1332M"]), (.size, "0.1", ["write 1M"]),
            (.order, "x", ["12", "25"]),
            (.fstype, "x", ["ext4, xfs, btrfs"]), (.features, "x", ["layering", "journaling"]),
            (.features, "4096", ["sum of the bits", "layering"]),
            (.features, "object-map", ["object-map needs exclusive-lock"]),
            (.features, "exclusive-lock,fast-diff", ["fast-diff needs object-map"]),
            (.features, "journaling", ["journaling needs exclusive-lock"]), (.mode, "x", ["octal", "0750"]),
            (.stripeUnit, "48K", ["a power of two from 4K to 32M", "64K"]), (.stripeCount, "0", ["1 to 1024"]),
            (.uid, "x", ["0 to 4294967294"]), (.adopt, "x", ["true, own or false"]),
            (.protect, "x", ["true or false"]),
            (.mountOptions, "noatime,bind", ["'bind'"]),
            (.mkfsOptions, "/dev/sda", ["names no path"]), (.pool, "a/b", ["'/'"]),
        ] as [(VolumeOption, String, [String])])
    func theErrorSaysWhatIsAccepted(_ option: VolumeOption, _ value: String, _ words: [String]) {
        var options = ["pool": "rbd"]
        options[option.rawValue] = value
        let error = failure(options)
        for word in words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "taken")") }
    }

    @Test(arguments: [
        "pools", "fs.type", "sizes", "", "size ", "-o", "mkfs options", "keyring", "a\nb", "💾",
        String(repeating: "k", count: 5000),
    ])
    func anUnknownOptionIsRefusedWithTheKnownOnes(_ name: String) {
        let error = failure(["pool": "rbd", name: "x"])
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.why.hasSuffix("is not known") == true)
        for option in VolumeOption.allCases {
            #expect(error?.remedy.contains(option.rawValue) == true, "\(option.rawValue)")
        }
        #expect(error.map { $0.description.utf8.count < 500 && !$0.description.contains("\n") } == true)
    }

    @Test func aMissingPoolNamesTheOptionAndTheSetting() {
        let error = failure(["size": "10G"])
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.description.contains("-o pool=NAME") == true)
        #expect(error?.description.contains("RBD_DEFAULT_POOL") == true)
    }

    /// An empty value is a mistake, no wish for the default.
    @Test func anEmptyPoolIsNotTheDefaultPool() {
        #expect(failure(["pool": ""], VolumeDefaults(pool: "rbd"))?.what == "use option pool=")
    }

    /// Dictionaries have no order; the first fault that is told must not change from call to call.
    @Test func ofSeveralFaultsItIsAlwaysTheSameThatIsTold() {
        let options = ["pool": "rbd", "size": "x", "order": "x", "uid": "x", "gid": "x", "mode": "x", "fstype": "x"]
        let told = Set((1...50).map { _ in failure(Dictionary(uniqueKeysWithValues: options.shuffled()))?.what })
        #expect(told == ["use option size=x"])
        let unknown = Set(
            (1...50).map { _ in
                failure(Dictionary(uniqueKeysWithValues: [("zz", ""), ("aa", ""), ("size", "x")].shuffled()))?.why
            })
        #expect(unknown == ["the option 'aa' is not known"])
    }
}
