import Testing
import VolumeCore

@Suite struct VolumeRequestTests {
    private func request(
        _ options: [String: String], _ defaults: VolumeDefaults = VolumeDefaults()
    ) throws -> VolumeRequest {
        try VolumeRequest(options: options, defaults: defaults)
    }

    @Test func aPoolIsEnough() throws {
        let request = try request(["pool": "rbd"])
        #expect(request.spec == VolumeSpec(pool: "rbd"))
        #expect(request.spec.size == .mebibytes(512))
        #expect(request.spec.order == 22)
        #expect(request.spec.filesystem == .ext4)
        #expect(request.spec.features == .standard)
        #expect(!request.adopt && !request.isProtected)
        #expect(request.given == [.pool])
    }

    @Test func theDefaultsFillWhatIsNotGiven() throws {
        let defaults = VolumeDefaults(
            pool: "fast", size: .gibibytes(1), order: 23, features: [.layering], filesystem: .xfs)
        let request = try request([:], defaults)
        #expect(
            request.spec
                == VolumeSpec(pool: "fast", size: .gibibytes(1), order: 23, features: [.layering], filesystem: .xfs))
        #expect(request.given == [])
        let own = try self.request(
            ["pool": "rbd", "size": "400", "order": "20", "features": "layering,exclusive-lock", "fstype": "btrfs"],
            defaults)
        #expect(
            own.spec
                == VolumeSpec(
                    pool: "rbd", size: .mebibytes(400), order: 20, features: [.layering, .exclusiveLock],
                    filesystem: .btrfs))
    }

    @Test func everyOptionGetsToItsPlace() throws {
        let options = [
            "pool": "rbd", "size": "10G", "fstype": "xfs", "order": "25", "features": "layering", "data-pool": "slow",
            "namespace": "team", "mkfs-options": "-m reflink=1  -q", "mount-options": "noatime,discard",
            "map-options": "queue_depth=128,alloc_size=65536", "uid": "999", "gid": "0", "mode": "0750",
            "stripe-unit": "64K", "stripe-count": "4", "adopt": "true", "protect": "true", "policy": "gold",
            "access": "read-only",
        ]
        let ofClones = ["from", "from-snapshot"]
        #expect(
            Set(options.keys).union(ofClones) == Set(VolumeOption.allCases.map(\.rawValue)), "an option has no test")
        let request = try request(options)
        #expect(
            request.spec
                == VolumeSpec(
                    pool: "rbd", namespace: "team", dataPool: "slow", size: .gibibytes(10), order: 25,
                    features: [.layering], stripeUnit: 64 << 10, stripeCount: 4, filesystem: .xfs,
                    mkfsOptions: ["-m", "reflink=1", "-q"],
                    mountOptions: ["noatime", "discard"], mapOptions: ["queue_depth=128", "alloc_size=65536"],
                    uid: 999, gid: 0, mode: 0o750, access: .readOnly))
        #expect(request.adopt && request.isProtected && request.policy?.text == "gold")
        #expect(request.options == options)
        #expect(Set(request.given.map(\.rawValue)).union(ofClones) == Set(VolumeOption.allCases.map(\.rawValue)))
        let clone = try self.request(["pool": "rbd", "from": "gold/db", "from-snapshot": "monday"]).clone
        #expect(clone?.volume.given == "gold/db" && clone?.snapshot?.text == "monday")
    }

    @Test(arguments: [
        ("order", "12"), ("order", "25"), ("order", "022"), ("order", "+22"), ("uid", "0"), ("uid", "4294967294"),
        ("gid", "65534"),
        ("mode", "0"), ("mode", "7777"), ("mode", "01777"), ("size", "8"), ("size", "64T"), ("features", "61"),
        ("features", "125"), ("features", "layering exclusive-lock, object-map"), ("features", "deep-flatten"),
        ("mkfs-options", ""), ("mkfs-options", "-N 1024"), ("mount-options", ""), ("mount-options", "data=ordered"),
        ("mount-options", "noatime,,discard,"), ("map-options", ""), ("map-options", "lock_timeout=30"),
        ("namespace", ""), ("pool", "a.b_c-d"), ("pool", ".rgw"), ("pool", String(repeating: "p", count: 200)),
        ("access", "Read-Only"), ("access", "read-write"), ("adopt", "TRUE"), ("adopt", "1"), ("adopt", "yes"),
        ("adopt", "on"), ("adopt", "False"), ("adopt", "0"),
        ("adopt", "no"), ("adopt", "off"), ("adopt", "own"),
    ])
    func goodValuesAreTaken(_ option: String, _ value: String) throws {
        #expect(throws: Never.self) { try request(["pool": "rbd"].merging([option: value]) { $1 }) }
    }

    @Test(arguments: [
        ("61", 61), ("125", 125), ("1", 1), ("+61", 61), ("layering,layering", 1), ("layering exclusive-lock", 5),
        ("Layering,EXCLUSIVE-LOCK", 5), ("3", 1), ("191", 61),
    ])
    func featuresAreNamesOrTheirSum(_ text: String, _ bits: UInt64) throws {
        #expect(try request(["pool": "rbd", "features": text]).spec.features.rawValue == bits)
    }

    @Test(
        "A stripe's unit is bytes, or has a unit",
        arguments: [
            ("4096", 4096), ("65536", 65536), ("64K", 65536), ("64k", 65536), ("64KiB", 65536), ("64Ki", 65536),
            ("1M", 1 << 20), ("4MB", 4 << 20), ("65536B", 65536),
        ] as [(String, UInt64)])
    func stripeUnits(_ text: String, _ bytes: UInt64) throws {
        let spec = try request(["pool": "rbd", "stripe-unit": text, "stripe_count": "3"]).spec
        #expect(spec.stripeUnit == bytes && spec.stripeCount == 3)
        #expect(spec.striping == ImageStriping(unit: bytes, count: 3))
        #expect(spec.features == .standard && spec.featuresOfImage == [.standard, .striping])
    }

    @Test("One object after the other is no striping, whatever it is called")
    func noStriping() throws {
        for options in [
            [:], ["stripe-unit": "4M", "stripe-count": "1"], ["order": "20", "stripe-unit": "1M", "stripe-count": "1"],
        ] {
            let spec = try request(options.merging(["pool": "rbd"]) { $1 }).spec
            #expect(spec.striping == nil && spec.featuresOfImage == .standard, "\(options)")
        }
        #expect(try request(["pool": "rbd", "stripe-unit": "64K", "stripe-count": "1"]).spec.striping != nil)
    }

    @Test(
        "Striping needs unit and count, and a unit that fits into an object: the refusal names both",
        arguments: [
            (["stripe-unit": "64K"], "only stripe-unit is given"),
            (["stripe-count": "4"], "only stripe-count is given"),
            (["stripe-unit": "8M", "stripe-count": "4"], "stripe-unit=8M with stripe-count=4 is more than an object"),
            (["stripe-unit": "2M", "stripe-count": "4", "order": "20"], "which has 1M (order=20)"),
        ])
    func badStriping(_ options: [String: String], _ why: String) throws {
        let error = failure(options)
        #expect(error?.code == .invalidOption && error?.outcome == .refused)
        #expect(error?.why.contains(why) == true, "\(error?.why ?? "taken")")
        #expect(error?.why.contains("stripe-unit") == true && error?.why.contains("stripe-count") == true)
        // An image that is there is striped as it is.
        #expect(failure(options.merging(["adopt": "true"]) { $1 }) == nil)
    }

    @Test(
        "A filesystem may be written in large letters",
        arguments: [("EXT4", .ext4), ("Xfs", .xfs), ("BTRFS", .btrfs)] as [(String, FilesystemType)])
    func filesystemInLargeLetters(text: String, type: FilesystemType) throws {
        #expect(try request(["pool": "rbd", "fstype": text]).spec.filesystem == type)
    }

    @Test(
        "E8: adopt says whether the image goes with the volume",
        arguments: [
            ("true", .kept), ("on", .kept), ("own", .own), ("OWN", .own), ("0", .none), ("No", .none),
        ] as [(String, Adoption)])
    func e8Adoption(_ text: String, _ adoption: Adoption) throws {
        let request = try request(["pool": "rbd", "adopt": text])
        #expect(request.adoption == adoption)
        #expect(request.adopt == (adoption != .none))
    }

    @Test func mkfsOptionsHasTwoNames() throws {
        let old = try request(["pool": "rbd", "mkfsOptions": "-m 1"])
        #expect(old.spec.mkfsOptions == ["-m", "1"])
        #expect(old.given == [.pool, .mkfsOptions])
        #expect(old.options == ["pool": "rbd", "mkfs-options": "-m 1"])
        let both = try request(["pool": "rbd", "mkfsOptions": "-m 1", "mkfs-options": "-m 1"])
        #expect(both.spec == old.spec)
    }

    /// Adopting takes the image's own size, so that none has to be given.
    @Test func theSizeOfAnAdoptedImageIsItsOwn() throws {
        #expect(throws: VolumeError.self) { try request(["pool": "rbd", "size": "1"]) }
        #expect(throws: Never.self) { try request(["pool": "rbd", "size": "1", "adopt": "true"]) }
    }

    @Test(arguments: [(FilesystemType.ext4, 8), (.xfs, 300), (.btrfs, 256)] as [(FilesystemType, UInt64)])
    func aFilesystemNeedsItsMinimum(_ type: FilesystemType, _ minimum: UInt64) throws {
        let options = ["pool": "rbd", "fstype": type.rawValue]
        #expect(throws: Never.self) { try request(options.merging(["size": "\(minimum)"]) { $1 }) }
        #expect {
            try request(options.merging(["size": "\(minimum - 1)"]) { $1 })
        } throws: { error in
            let error = error as? VolumeError
            return error?.code == .invalidOption && error?.outcome == .refused
                && error?.why.contains("\(minimum - 1)M is too small for \(type.rawValue)") == true
                && error?.remedy.contains("size=\(minimum)M") == true
        }
    }

    @Test(
        "D3: a size that the filesystem or the object map cannot have is refused by name",
        arguments: [
            ("ext4", "65T", [:], "too large for ext4", "fstype=xfs"),
            ("ext4", "4P", ["order": "25"], "too large for ext4", "fstype=xfs"),
            ("xfs", "513T", [:], "object map", "order=25"), ("btrfs", "4P", ["order": "24"], "object map", "order=25"),
        ] as [(String, String, [String: String], String, String)])
    func d3SizesBeyond(
        _ type: String, _ size: String, _ more: [String: String], _ why: String, _ remedy: String
    ) throws {
        let options = ["pool": "rbd", "fstype": type, "size": size].merging(more) { $1 }
        let error = #expect(throws: VolumeError.self) { try request(options) }
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.why.contains(why) == true)
        #expect(error?.remedy.contains(remedy) == true)
        // What is there is taken as it is.
        #expect(throws: Never.self) { try request(options.merging(["adopt": "true"]) { $1 }) }
    }

    @Test(
        "E10: more objects than can be deleted in hours are refused without an object map, with size, order and remedy",
        arguments: [
            ("4P", "22", "layering,exclusive-lock"), ("4P", "25", "layering"), ("65T", "22", "layering"),
            ("65G", "12", "layering,exclusive-lock,deep-flatten"),
        ])
    func e10Objects(_ size: String, _ order: String, _ features: String) throws {
        let options = ["pool": "rbd", "fstype": "xfs", "size": size, "order": order, "features": features]
        let error = #expect(throws: VolumeError.self) { try request(options) }
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.why.contains("\(size) in objects of 2^\(order) bytes") == true, "\(error?.why ?? "")")
        #expect(error?.remedy.contains("object-map") == true && error?.remedy.contains("order=25") == true)
        // What is there is taken as it is.
        #expect(throws: Never.self) { try request(options.merging(["adopt": "true"]) { $1 }) }
    }

    @Test(
        "E10: as many objects as can be deleted in hours are taken without an object map, and more with one",
        arguments: [
            ("64T", "22", "layering"), ("512T", "25", "layering,exclusive-lock"), ("64G", "12", "layering"),
            ("512T", "22", "layering,exclusive-lock,object-map"),
        ])
    func e10EnoughObjects(_ size: String, _ order: String, _ features: String) {
        let options = ["pool": "rbd", "fstype": "xfs", "size": size, "order": order, "features": features]
        #expect(throws: Never.self) { try request(options) }
    }

    @Test(
        "D3: the largest sizes are taken",
        arguments: [
            ("ext4", "64T", [:]), ("xfs", "512T", [:]), ("xfs", "4P", ["order": "25"]),
            ("btrfs", "4P", ["order": "25"]),
        ] as [(String, String, [String: String])])
    func d3LargestSizes(_ type: String, _ size: String, _ more: [String: String]) {
        let options = ["pool": "rbd", "fstype": type, "size": size].merging(more) { $1 }
        #expect(throws: Never.self) { try request(options) }
    }
}
