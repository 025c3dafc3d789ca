import Testing
import VolumeCore

/// How long options may be, and what a volume may be by the settings of whoever runs the plugin.
@Suite struct OptionLimitTests {
    private func words(_ bytes: Int) -> String { String(repeating: "noatime,", count: bytes / 8) }

    @Test("E7: an option of 1 KiB is taken, and one byte more is refused by name and length")
    func e7OneOption() {
        #expect(failure(["mount-options": words(1024)]) == nil)
        let error = failure(["mount-options": words(1024) + ","])
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.why == "the option 'mount-options' is 1025 bytes long; at most 1024 are allowed")
        #expect(error.map { $0.description.utf8.count < 500 } == true)
    }

    @Test("E7: bytes are counted, not characters")
    func e7Bytes() {
        #expect(OptionLimits.fault(in: ["pool": String(repeating: "ü", count: 512)]) == nil)
        #expect(OptionLimits.fault(in: ["pool": String(repeating: "ü", count: 513)])?.contains("1026 bytes") == true)
    }

    @Test("E7: all options of a volume have 4 KiB, their names included")
    func e7AllOptions() {
        // What records hold may have any names.
        let three = ["a": words(1024), "b": words(1024), "c": words(1024)]
        let whole = three.merging(["d": words(1016), "efgh": ""]) { $1 }
        #expect(OptionLimits.fault(in: whole) == nil)
        let fault = OptionLimits.fault(in: whole.merging(["i": ""]) { $1 })
        #expect(fault == "its options are 4097 bytes long in all; at most 4096 are allowed")
        let long = failure([
            "mount-options": words(1024), "mkfs-options": "-L " + String(repeating: "x", count: 1021),
            "mkfsOptions": "-L " + String(repeating: "x", count: 1021),
            "map-options": String(repeating: "notrim,", count: 146),
        ])
        #expect(long?.why.contains("in all") == true, "\(long?.why ?? "taken")")
    }

    @Test("E7: of several options that are too long it is always the same one that is told")
    func e7Stable() {
        let names = ["b", "a", "d", "c"]
        let told = Set(
            (1...20).map { _ in
                OptionLimits.fault(
                    in: Dictionary(uniqueKeysWithValues: names.shuffled().map { ($0, words(2048)) }))
            })
        #expect(told == ["the option 'a' is 2048 bytes long; at most 1024 are allowed"])
        #expect(OptionLimits.fault(in: [words(2048): "x"])?.contains("2048 bytes") == true)
    }

    private func check(_ limits: VolumeLimits, _ options: [String: String]) throws -> VolumeError? {
        let name = try VolumeName("db")
        let request = try VolumeRequest(options: options, defaults: VolumeDefaults(pool: "rbd"))
        do {
            try limits.check(request, of: name)
            return nil
        } catch {
            return error
        }
    }

    @Test("E7: a size above the setting is refused by the setting's name, and any size where it is not set")
    func e7Size() throws {
        let limits = VolumeLimits(largestSize: .gibibytes(10))
        #expect(try check(limits, ["size": "10G"]) == nil)
        let error = try check(limits, ["size": "10241M"])
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.description.contains("RBD_MAX_SIZE allows 10G") == true)
        #expect(try check(VolumeLimits(), ["size": "4P", "order": "25", "fstype": "xfs"]) == nil)
    }

    @Test("E8: an image or its data in a pool that the setting does not name is refused, with those that it names")
    func e8Pools() throws {
        let limits = VolumeLimits(pools: ["rbd", "slow"])
        for options in [[:], ["pool": "slow"], ["data-pool": "slow"], ["pool": "slow", "data-pool": "rbd"]] {
            #expect(try check(limits, options) == nil)
        }
        for options in [["pool": "vms"], ["data-pool": "vms"], ["pool": "rbd", "data-pool": "vms"]] {
            let error = try check(limits, options)
            #expect(error?.code == .invalidOption)
            #expect(error?.outcome == .refused)
            #expect(error?.why.contains("'vms'") == true && error?.why.contains("RBD_ALLOWED_POOLS") == true)
            #expect(error?.remedy == "use one of rbd, slow")
        }
        #expect(try check(VolumeLimits(), ["pool": "vms"]) == nil)
    }

    @Test("E8: adoption is refused by the setting's name, unless that allows it", arguments: ["true", "own"])
    func e8Adoption(_ value: String) throws {
        let error = try check(VolumeLimits(), ["adopt": value])
        #expect(error?.code == .invalidOption)
        #expect(error?.outcome == .refused)
        #expect(error?.remedy.contains("RBD_ALLOW_ADOPT=true") == true)
        #expect(try check(VolumeLimits(allowsAdoption: true), ["adopt": value]) == nil)
        #expect(try check(VolumeLimits(), ["adopt": "false"]) == nil)
    }

    @Test("E8: what another node has begun is asked the same, and the size of what is adopted too")
    func e8Records() throws {
        var record = VolumeRecord(
            name: try VolumeName("db"), uid: "u", phase: .creating,
            spec: VolumeSpec(pool: "rbd", size: .gibibytes(1)), options: [:], createdAt: "")
        let limits = VolumeLimits(largestSize: .gibibytes(1), pools: ["rbd"])
        #expect(throws: Never.self) { try limits.check(record) }
        record.origin = .adopted
        #expect(throws: VolumeError.self) { try limits.check(record) }
        record.origin = .blank
        record.spec.size = .gibibytes(2)
        #expect(throws: VolumeError.self) { try limits.check(record) }
        record.spec = VolumeSpec(pool: "rbd", dataPool: "vms")
        #expect(throws: VolumeError.self) { try limits.check(record) }
    }

    @Test("E7: the last volume that the setting allows is taken, and the next one is refused by the setting's name")
    func e7Count() throws {
        let name = try VolumeName("db")
        let limits = VolumeLimits(mostVolumes: 3)
        #expect(throws: Never.self) { try limits.checkRoom(for: name, beside: 2) }
        let error = #expect(throws: VolumeError.self) { try limits.checkRoom(for: name, beside: 3) }
        #expect(error?.code == .noSpace)
        #expect(error?.outcome == .refused)
        #expect(error?.description.contains("RBD_MAX_VOLUMES allows 3") == true)
    }
}
