import Testing
import VolumeCore

@Suite("What a policy makes of a new volume") struct PolicyRequestTests {
    private static func gold(_ text: String) throws -> NamedPolicy {
        NamedPolicy(try PolicyName("gold"), try Golden.decode(PolicyReading.self, text).policy)
    }

    private static func request(
        _ options: [String: String], _ policy: NamedPolicy?, _ defaults: VolumeDefaults = VolumeDefaults(pool: "rbd")
    ) throws -> VolumeRequest {
        try VolumeRequest(options: options, defaults: defaults, policy: policy)
    }

    private static func refusal(_ options: [String: String], _ policy: NamedPolicy?) -> VolumeError? {
        do {
            _ = try request(options, policy)
            return nil
        } catch {
            return error as? VolumeError
        }
    }

    @Test("What is given goes before what the policy says, and that before the defaults")
    func order() throws {
        let policy = try Self.gold(
            #"{"create": {"pool": "fast", "size": "20G", "mount-options": "noatime", "protect": true, "uid": 999}}"#)
        let defaults = VolumeDefaults(pool: "rbd", size: .gibibytes(1), order: 23)
        let request = try Self.request(["size": "30G", "gid": "5"], policy, defaults)
        #expect(
            request.spec
                == VolumeSpec(
                    pool: "fast", size: .gibibytes(30), order: 23, mountOptions: ["noatime"], uid: 999, gid: 5))
        #expect(request.isProtected)
        #expect(request.policy?.text == "gold")
        #expect(request.given == [.size, .gid] && request.options == ["size": "30G", "gid": "5"])
    }

    @Test("A policy's options for mkfs are not for another filesystem that a user asks for")
    func otherFilesystem() throws {
        let policy = try Self.gold(#"{"create": {"fstype": "xfs", "size": "1G", "mkfs-options": "-m reflink=1"}}"#)
        #expect(try Self.request([:], policy).spec.mkfsOptions == ["-m", "reflink=1"])
        #expect(try Self.request(["fstype": "XFS"], policy).spec.mkfsOptions == ["-m", "reflink=1"])
        #expect(try Self.request(["fstype": "ext4"], policy).spec.mkfsOptions == [])
    }

    @Test("Values for the run time that are given are the volume's own, those of the policy stay the policy's")
    func runtime() throws {
        let policy = try Self.gold(#"{"runtime": {"iops": 500, "autogrow": {"max": "100G"}}}"#)
        let request = try Self.request(["rate-limit.write.iops": "100", "autogrow.at": "80"], policy)
        #expect(
            request.runtime.all.map { "\($0.option.rawValue)=\($0.value)" } == ["write-iops=100", "autogrow.at=80%"])
        #expect(request.options == ["write-iops": "100", "autogrow.at": "80"])
        #expect(try Self.request(["iops": "700"], nil).runtime[.iops] == "700")
    }

    @Test("No volume is made larger than its policy allows")
    func tooLarge() throws {
        let policy = try Self.gold(#"{"create": {"max-size": "10G"}}"#)
        #expect(try Self.request(["size": "10G"], policy).spec.size == .gibibytes(10))
        let error = try #require(Self.refusal(["size": "11G"], policy))
        #expect(error.code == .invalidOption && error.outcome == .refused)
        #expect(error.description.contains("policy gold allows 10G") && error.description.contains("max-size"))
    }

    @Test(
        "What cannot be is refused, whoever says it",
        arguments: [
            (["iops": "0"], "{}", "iops=0"), (["iops": "1"], "{}", "iops=1"),
            (["read-iops": "-1"], "{}", "read-iops=-1"),
            (["autogrow.at": "80%"], "{}", "autogrow.max"), (["iops": "500", "rate-limit.iops": "600"], "{}", "twice"),
            (["read-iops": "600"], #"{"runtime": {"iops": 500}}"#, "read-iops=600"),
            (["policy": "no.such"], "{}", "name of a policy"),
            (["fstype": "xfs"], #"{"create": {"size": "16M"}}"#, "too small"),
            (["mkfs-options": "-z x"], #"{"create": {"fstype": "ext4"}}"#, "-z"),
        ])
    func refused(_ options: [String: String], _ policy: String, _ says: String) throws {
        let error = try #require(Self.refusal(options, try Self.gold(policy)))
        #expect(error.description.contains(says), "\(error)")
    }

    @Test("A Create that is repeated asks for what was given, whatever has become of policy and defaults since")
    func repeated() throws {
        let policy = try Self.gold(#"{"create": {"pool": "fast", "size": "20G", "fstype": "xfs"}}"#)
        let given = ["policy": "gold", "mkfs-options": "-m reflink=1"]
        let first = try Self.request(given, policy)
        var record = VolumeRecord(
            name: try VolumeName("db"), uid: "u1", phase: .ready, spec: first.spec, options: first.options,
            createdAt: "2026-01-02T03:04:05Z")
        record.policy = first.policy
        func contradiction(_ options: [String: String]) throws -> VolumeOption? {
            let asked = try AskedOptions(options)
            return try VolumeRequest(asked, repeating: record, defaults: VolumeDefaults()).contradiction(to: record)?
                .option
        }
        #expect(try contradiction(given) == nil && contradiction([:]) == nil)
        #expect(try contradiction(["iops": "700", "autogrow.at": "80%"]) == nil)
        #expect(try contradiction(["policy": "silver"]) == .policy)
        #expect(try contradiction(["size": "30G"]) == .size)
        // The policy was removed, and the volume has kept what it said.
        record.policy = nil
        #expect(try contradiction(given) == nil)
        #expect(try contradiction(["policy": "silver"]) == .policy)
    }

    @Test("A volume grows no further than its policy allows")
    func growth() throws {
        let stored = try Fixture.stored(Fixture.volume(.ready))
        let policy = try Self.gold(#"{"create": {"max-size": "1G"}}"#)
        let time = WallTime(seconds: 0)
        #expect(try GrowthRule.request(.gibibytes(1), for: stored, policy: policy, at: time)?.size == .gibibytes(1))
        let error = try #require(throws: VolumeError.self) {
            try GrowthRule.request(.gibibytes(2), for: stored, policy: policy, at: time)
        }
        #expect(error.description.contains("policy gold allows 1G"))
        let autogrow = Autogrow(at: 85, max: .gibibytes(2))
        #expect(policy.policy.bounding(autogrow) == Autogrow(at: 85, max: .gibibytes(1)))
        #expect(Policy().bounding(autogrow) == autogrow)
    }
}
