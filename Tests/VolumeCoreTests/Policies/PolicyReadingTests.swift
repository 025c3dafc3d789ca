import Testing
import VolumeCore

@Suite("Policies as people write them") struct PolicyReadingTests {
    private static func read(_ text: String) throws -> PolicyReading { try Golden.decode(PolicyReading.self, text) }

    private static func refusal(_ text: String) -> VolumeError? {
        do {
            _ = try read(text)
            return nil
        } catch {
            return error as? VolumeError
        }
    }

    private static func lines(_ policy: Policy) -> [String] { policy.values.map { "\($0.key)=\($0.value)" } }

    @Test(
        "Each option of a create and each value of a runtime can be in a policy, as a text, a number, a truth or a list"
    )
    func ours() throws {
        let reading = try Self.read(
            #"""
            {"create": {"pool": "fast", "size": 20480, "fstype": "xfs", "order": 23, "features": ["layering", "exclusive-lock"],
               "data-pool": "slow", "namespace": "team", "mkfs-options": ["-m", "reflink=1"],
               "mount-options": ["noatime", "nodiratime"], "map-options": "queue_depth=64", "uid": 999, "gid": "999",
               "mode": "0750", "protect": true, "max-size": "100G", "max-total": "1T"},
             "runtime": {"iops": 500, "write-bps": "20M", "autogrow": {"at": "85%", "max": "100G"}, "discard": "daily",
               "read-iops": null}}
            """#)
        #expect(reading.notes.isEmpty)
        #expect(
            Self.lines(reading.policy) == [
                "create.pool=fast", "create.size=20480", "create.fstype=xfs", "create.order=23",
                "create.features=layering,exclusive-lock", "create.data-pool=slow", "create.namespace=team",
                "create.mkfs-options=-m reflink=1", "create.mount-options=noatime,nodiratime",
                "create.map-options=queue_depth=64", "create.uid=999", "create.gid=999", "create.mode=0750",
                "create.protect=true", "create.max-size=100G", "create.max-total=1T", "runtime.iops=500",
                "runtime.write-bps=20M",
                "runtime.autogrow.at=85%", "runtime.autogrow.max=100G", "runtime.discard=daily",
            ])
    }

    @Test("A policy of volplugin is read as it is, and each of its keys is translated or said to have no meaning")
    func volplugin() throws {
        let reading = try Self.read(
            #"""
            {"name": "policy1", "unlocked": false,
             "backends": {"crud": "ceph", "mount": "ceph", "snapshot": "ceph"},
             "driver": {"pool": "rbd"},
             "create": {"size": "200MB", "filesystem": "ext4"},
             "runtime": {"snapshots": true, "snapshot": {"frequency": "30m", "keep": 20},
               "rate-limit": {"write-iops": 1000, "read-iops": 500, "write-bps": 100000000, "read-bps": 0}},
             "filesystems": {"ext4": "mkfs.ext4 -m0 %", "btrfs": "mkfs.btrfs %", "falsefs": "/bin/false"}}
            """#)
        #expect(
            Self.lines(reading.policy) == [
                "create.pool=rbd", "create.size=200MB", "create.fstype=ext4", "create.mkfs-options=-m0",
                "runtime.read-iops=500", "runtime.write-iops=1000", "runtime.write-bps=100000000",
                "runtime.snapshots=on", "runtime.snapshots.frequency=30m", "runtime.snapshots.keep=20",
            ])
        let notes = Dictionary(uniqueKeysWithValues: reading.notes.map { ($0.key, $0.description) })
        #expect(notes["driver.pool"] == "'driver.pool' is read as create.pool")
        #expect(notes["create.filesystem"] == "'create.filesystem' is read as create.fstype")
        #expect(notes["filesystems.ext4"] == "'filesystems.ext4' is read as create.mkfs-options")
        #expect(
            notes["runtime.rate-limit.write-iops"] == "'runtime.rate-limit.write-iops' is read as runtime.write-iops")
        #expect(
            notes["runtime.rate-limit.read-bps"] == "'runtime.rate-limit.read-bps' has no meaning here: 0 is no limit")
        #expect(
            notes["runtime.snapshot.keep"] == "'runtime.snapshot.keep' is read as runtime.snapshots.keep")
        for key in [
            "name", "unlocked", "backends.crud", "backends.mount", "backends.snapshot", "filesystems.btrfs",
            "filesystems.falsefs",
        ] {
            #expect(
                notes[key]?.hasPrefix("'\(key)' has no meaning here: ") == true, "\(key): \(notes[key] ?? "no note")")
        }
    }

    @Test("A policy of volplugin that takes no snapshots need not say how many")
    func volpluginWithoutSnapshots() throws {
        let reading = try Self.read(#"{"runtime": {"snapshots": false, "snapshot": {"frequency": "", "keep": 0}}}"#)
        #expect(Self.lines(reading.policy) == ["runtime.snapshots=off"])
        #expect(reading.notes.map(\.key) == ["runtime.snapshot.frequency", "runtime.snapshot.keep"])
        #expect(
            Self.refusal(#"{"runtime": {"snapshots": true, "snapshot": {"frequency": "1m", "keep": 0}}}"#)?.description
                .contains("snapshots.keep=0") == true)
        #expect(Self.refusal(#"{"runtime": {"snapshots": true}}"#)?.why.contains("snapshots.frequency") == true)
    }

    @Test("What volplugin would have left out is left out", arguments: ["{}", #"{"create": {}, "runtime": {}}"#])
    func empty(_ text: String) throws {
        #expect(try Self.read(text).policy == Policy())
    }

    @Test(
        "What is no policy is refused in a sentence that names it",
        arguments: [
            ("[]", "no JSON object"), ("\"gold\"", "no JSON object"),
            (#"{"creat": {}}"#, "'creat'"), (#"{"create": {"poool": "rbd"}}"#, "'create.poool'"),
            (#"{"runtime": {"iosp": "500"}}"#, "'runtime.iosp'"), (#"{"create": []}"#, "'create' is no JSON object"),
            (#"{"create": {"pool": {"name": "rbd"}}}"#, "'create.pool'"),
            (#"{"create": {"size": "a lot"}}"#, "it is not a size"), (#"{"create": {"size": -1}}"#, "it is not a size"),
            (#"{"create": {"adopt": "true"}}"#, "single volume"), (#"{"create": {"max-size": "much"}}"#, "max-size"),
            (#"{"create": {"max-total": "0"}}"#, "max-total"),
            (#"{"runtime": {"iops": 0}}"#, "iops=0"), (#"{"runtime": {"iops": -5}}"#, "iops=-5"),
            (#"{"runtime": {"iops": 1}}"#, "iops=1"),
            (#"{"create": {"fstype": "zfs"}}"#, "fstype=zfs"), (#"{"backends": {"mount": "nfs"}}"#, "'nfs'"),
            (#"{"filesystems": {"ext4": "mkfs.ext4 % && reboot"}}"#, "'mkfs.ext4 % && reboot'"),
        ])
    func refused(_ text: String, _ says: String) throws {
        let error = try #require(Self.refusal(text))
        #expect(error.code == .invalidOption && error.outcome == .refused)
        #expect(error.description.contains(says), "\(error)")
    }

    @Test("A slip of the hand is told what was meant")
    func nearest() {
        #expect(
            Self.refusal(#"{"create": {"fstpye": "xfs"}}"#)?.remedy.contains("did you mean 'create.fstype'?") == true)
        #expect(Self.refusal(#"{"runtime": {"discrad": "off"}}"#)?.remedy.contains("'runtime.discard'?") == true)
        #expect(Self.refusal(#"{"runtimes": {}}"#)?.remedy.contains("'runtime'?") == true)
    }

    @Test(
        "Values that contradict each other are refused, each of which is in order",
        arguments: [
            (#"{"create": {"size": "20G", "max-size": "10G"}}"#, "max-size"),
            (#"{"create": {"size": "20G", "max-total": "10G"}}"#, "size=20G is more than max-total=10G"),
            (#"{"create": {"max-size": "20G", "max-total": "10G"}}"#, "max-size=20G is more than max-total=10G"),
            (#"{"create": {"fstype": "xfs", "mkfs-options": "-E nodiscard"}}"#, "xfs"),
            (#"{"create": {"fstype": "xfs", "size": "16M"}}"#, "too small"),
            (#"{"create": {"pool": "a"}, "driver": {"pool": "b"}}"#, "create.pool is given twice"),
            (#"{"create": {"fstype": "xfs", "filesystem": "ext4"}}"#, "create.fstype is given twice"),
            (#"{"runtime": {"iops": 100, "rate-limit": {"iops": 200}}}"#, "runtime.iops is given twice"),
            (#"{"runtime": {"iops": 100, "read-iops": 200}}"#, "read-iops=200"),
            (#"{"runtime": {"autogrow.at": "85%"}}"#, "autogrow.max"),
            (#"{"create": {"max-size": "10G"}, "runtime": {"autogrow": {"at": 80, "max": "20G"}}}"#, "max-size=10G"),
        ])
    func contradictions(_ text: String, _ says: String) throws {
        let error = try #require(Self.refusal(text))
        #expect(error.why.contains(says), "\(error)")
    }
}
