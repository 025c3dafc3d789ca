import Testing
import VolumeCore

/// A Create repeated for a volume that exists: by another node of a Swarm, or by a user who wants something else.
@Suite struct ContradictionTests {
    private static let existing = VolumeSpec(
        pool: "rbd", namespace: "team", dataPool: "slow", size: .mebibytes(512), order: 22,
        features: [.layering, .exclusiveLock], stripeUnit: 64 << 10, stripeCount: 4, filesystem: .ext4,
        mkfsOptions: ["-m", "0"], mountOptions: ["noatime"],
        mapOptions: ["queue_depth=128"], uid: 999, gid: 998, mode: 0o750)

    private static let matching = [
        "pool": "rbd", "namespace": "team", "data-pool": "slow", "size": "512", "order": "22",
        "features": "layering,exclusive-lock", "stripe-unit": "64K", "stripe-count": "4", "fstype": "ext4",
        "mkfs-options": "-m 0", "mount-options": "noatime",
        "map-options": "queue_depth=128", "uid": "999", "gid": "998", "mode": "750", "adopt": "false",
        "protect": "false", "policy": "gold", "access": "read-write",
    ]

    private func contradiction(
        _ options: [String: String], to existing: VolumeSpec = existing
    ) throws -> (option: VolumeOption, has: String)? {
        try VolumeRequest(options: options, defaults: VolumeDefaults(pool: "rbd")).contradiction(to: existing)
    }

    @Test func theSameOptionsAgree() throws {
        // What a volume was made out of is told apart in CloneRuleTests.
        let tested = Set(Self.matching.keys).union(["from", "from-snapshot"])
        #expect(tested == Set(VolumeOption.allCases.map(\.rawValue)), "an option has no test")
        #expect(try contradiction(Self.matching) == nil)
    }

    @Test func theSameInOtherWordsAgrees() throws {
        var options = Self.matching
        options["size"] = "512MiB"
        options["features"] = "5"
        options["mode"] = "0750"
        options["stripe-unit"] = "65536"
        options["mkfs-options"] = nil
        options["mkfsOptions"] = " -m  0"
        #expect(try contradiction(options) == nil)
    }

    /// The defaults of two nodes may differ; only what was asked for counts.
    @Test func whatIsNotGivenMatchesAnything() throws {
        #expect(try contradiction([:]) == nil)
        #expect(try contradiction(["pool": "rbd"]) == nil)
    }

    @Test(
        arguments: [
            (VolumeOption.pool, "other", "rbd"), (.namespace, "", "team"), (.dataPool, "other", "slow"),
            (.size, "513", "512M"), (.size, "10G", "512M"), (.order, "23", "22"),
            (.features, "layering", "layering,exclusive-lock"), (.fstype, "btrfs", "ext4"),
            (.stripeUnit, "4K", "65536"), (.stripeCount, "5", "4"),
            (.mkfsOptions, "-m 1", "-m 0"),
            (.mkfsOptions, "", "-m 0"), (.mountOptions, "discard", "noatime"), (.mapOptions, "", "queue_depth=128"),
            (.uid, "0", "999"), (.gid, "0", "998"), (.mode, "0755", "0750"),
            (.access, "read-only", "read-write"),
        ] as [(VolumeOption, String, String)])
    func anotherValueContradictsAndWhatIsThereIsTold(_ option: VolumeOption, _ value: String, _ has: String) throws {
        var options = Self.matching
        options[option.rawValue] = value
        let found = try contradiction(options)
        #expect(found?.option == option)
        #expect(found?.has == has)
    }

    @Test("Asking for stripes of a volume that has none contradicts")
    func stripesThatAreNotThere() throws {
        let asked = ["stripe-unit": "64K", "stripe-count": "4"]
        let found = try contradiction(asked, to: VolumeSpec(pool: "rbd"))
        #expect(found?.option == .stripeUnit && found?.has == "none")
    }

    @Test(arguments: [(VolumeOption.uid, "0"), (.gid, "0"), (.mode, "0755")])
    func askingForWhatWasNeverSetContradicts(_ option: VolumeOption, _ value: String) throws {
        let found = try contradiction([option.rawValue: value], to: VolumeSpec(pool: "rbd"))
        #expect(found?.option == option)
        #expect(found?.has == "none")
    }

    @Test("E19: protection is an operator's to change: a Create that is repeated later is not refused for it")
    func e19ProtectionNeverContradicts() throws {
        for value in ["true", "false"] { #expect(try contradiction(["pool": "rbd", "protect": value]) == nil) }
    }

    /// The geometry of an adopted image is its own: what the options say of it is of no account.
    @Test func adoptingAsksForNoGeometry() throws {
        let options = [
            "pool": "rbd", "adopt": "true", "size": "10G", "order": "25", "features": "layering", "stripe-unit": "1M",
            "stripe-count": "2",
        ]
        #expect(try contradiction(options) == nil)
        #expect(try contradiction(options.merging(["fstype": "xfs"]) { $1 })?.option == .fstype)
    }
}
