import Testing

@testable import VolumeCore

/// What a volume is that is made out of another one.
@Suite struct CloneRuleTests {
    private static func parent(
        _ change: (inout VolumeRecord) throws -> Void = { _ in }
    ) throws -> VolumeRecord {
        var spec = VolumeSpec(
            pool: "fast", namespace: "team", dataPool: "ec", size: .gibibytes(2), order: 23,
            features: [.layering, .exclusiveLock], filesystem: .xfs, mountOptions: ["noatime"])
        (spec.stripeUnit, spec.stripeCount) = (64 << 10, 4)
        var record = VolumeRecord(
            name: try VolumeName("db"), uid: "u1", phase: .ready, spec: spec, options: [:], createdAt: "",
            imageID: "10226b8b4567")
        try change(&record)
        return record
    }

    private func request(
        _ options: [String: String], of parent: VolumeRecord, policy: Policy? = nil
    ) throws -> VolumeRequest {
        let named = try policy.map { NamedPolicy(try PolicyName("gold"), $0) }
        return try VolumeRequest(
            AskedOptions(options.merging(["from": "db"]) { $1 }),
            defaults: CloneRule.defaults(VolumeDefaults(pool: "rbd", size: .mebibytes(512)), of: parent.spec),
            policy: named)
    }

    private func spec(
        _ options: [String: String], of parent: VolumeRecord, size: VolumeSize = .gibibytes(2), policy: Policy? = nil
    ) throws -> VolumeSpec {
        try CloneRule.spec(request(options, of: parent, policy: policy), of: parent.spec, size: size)
    }

    private func stored(_ record: VolumeRecord) -> StoredVolume {
        StoredVolume(name: record.name, volume: Revisioned(record, revision: 1), revision: 1)
    }

    @Test("without options of its own a clone is what its parent is, with the size of the snapshot")
    func inherits() throws {
        let parent = try Self.parent()
        let clone = try spec([:], of: parent, size: .gibibytes(1))
        var expected = parent.spec
        expected.size = .gibibytes(1)
        #expect(clone == expected)
    }

    @Test("its own options go first, and a pool of its own leaves the parent's namespace and data pool behind")
    func ownOptions() throws {
        let clone = try spec(
            ["pool": "slow", "size": "3G", "order": "22", "mount-options": "nodiratime", "uid": "999"],
            of: Self.parent())
        #expect(clone.pool == "slow" && clone.namespace.isEmpty && clone.dataPool.isEmpty)
        #expect(clone.size == .gibibytes(3) && clone.order == 22 && clone.stripeUnit == nil)
        #expect(clone.mountOptions == ["nodiratime"] && clone.uid == 999)
    }

    @Test("what a policy says of new filesystems is nothing to a clone; its size makes a clone larger, never smaller")
    func policies() throws {
        var policy = Policy()
        try policy.create.set(.fstype, "ext4")
        try policy.create.set(.size, "1G")
        #expect(try spec([:], of: Self.parent(), policy: policy).filesystem == .xfs)
        #expect(try spec([:], of: Self.parent(), policy: policy).size == .gibibytes(2))
        try policy.create.set(.size, "5G")
        #expect(try spec([:], of: Self.parent(), policy: policy).size == .gibibytes(5))
    }

    @Test(
        "what no clone can be is refused by name",
        arguments: [
            (["size": "1G"], "size=1G"), (["fstype": "ext4"], "fstype=ext4"), (["mkfs-options": "-m0"], "mkfs-options"),
            (["adopt": "true"], "adopt"), (["from": "no name"], "from"), (["from-snapshot": "a/b"], "from-snapshot"),
            (["mount-options": "data=journal"], "data"),
        ])
    func refuses(_ options: [String: String], _ named: String) throws {
        let parent = try Self.parent()
        let error = #expect(throws: VolumeError.self) {
            let given = ["from": "db"].merging(options) { $1 }
            let request = try VolumeRequest(
                AskedOptions(given), defaults: CloneRule.defaults(VolumeDefaults(), of: parent.spec), policy: nil)
            return try CloneRule.spec(request, of: parent.spec, size: parent.spec.size)
        }
        #expect(error?.code == .invalidOption && error?.outcome == .refused)
        #expect("\(try #require(error))".contains(named))
    }

    @Test("from-snapshot alone says nothing")
    func snapshotAlone() {
        let error = #expect(throws: VolumeError.self) { try AskedOptions(["from-snapshot": "monday"]) }
        #expect(error?.why.contains("without from") == true)
    }

    @Test("a volume that is not ready, is half rolled back, lacks layering or is too deep is no parent")
    func noParents() throws {
        let name = try VolumeName("copy")
        #expect(throws: Never.self) { try CloneRule.parent(stored(Self.parent()), for: name) }
        let creating = try Self.parent { $0.phase = .creating }
        #expect(throws: VolumeError.self) { try CloneRule.parent(stored(creating), for: name) }
        let flat = try Self.parent { $0.spec.features.remove(.layering) }
        #expect(throws: VolumeError.self) { try CloneRule.parent(stored(flat), for: name) }
        func deep(_ depth: UInt8) throws -> VolumeRecord {
            try Self.parent {
                $0.origin = .cloned(
                    CloneOrigin(
                        volume: name, pool: "rbd", namespace: "", uid: "u0", imageID: "1",
                        snapshot: try SnapshotName("s"),
                        snapshotID: 1, size: .gibibytes(1), depth: depth))
            }
        }
        #expect(throws: Never.self) { try CloneRule.parent(stored(deep(CloneRule.deepest - 1)), for: name) }
        let error = #expect(throws: VolumeError.self) {
            try CloneRule.parent(stored(deep(CloneRule.deepest)), for: name)
        }
        #expect(error?.why.contains("8 deep") == true)
        let absent = #expect(throws: VolumeError.self) {
            try CloneRule.parent(StoredVolume(name: name, revision: 1), for: name)
        }
        #expect(absent?.code == .notFound)
    }

    @Test("what is recorded of a clone is what its filesystem has for certain, and more is wanted of it")
    func sizes() throws {
        let parent = try Self.parent { $0.createdSize = .gibibytes(1) }
        #expect(CloneRule.certainSize(of: parent, snapshot: .gibibytes(2)) == .gibibytes(1))
        #expect(try CloneRule.certainSize(of: Self.parent(), snapshot: .gibibytes(1)) == .gibibytes(1))
        var clone = try Self.parent {
            $0.origin = .cloned(
                CloneOrigin(
                    volume: try VolumeName("db"), pool: "rbd", namespace: "", uid: "u0", imageID: "1",
                    snapshot: try SnapshotName("s"), snapshotID: 1, size: .gibibytes(1), depth: 1))
        }
        let change = CloneRule.ready(clone, at: WallTime(seconds: 0))
        guard case .put(let ready) = change.volume, case .put(let desired) = change.desired else {
            Issue.record("\(change)")
            return
        }
        #expect(ready.spec.size == .gibibytes(1) && ready.createdSize == .gibibytes(2) && desired.size == .gibibytes(2))
        clone.spec.size = .gibibytes(1)
        #expect(CloneRule.ready(clone, at: WallTime(seconds: 0)) == StoreChange(volume: .put(clone)))
        #expect(try CloneRule.ready(Self.parent(), at: WallTime(seconds: 0)).desired == .keep)
    }

    @Test("a repeated Create that names another parent or snapshot contradicts")
    func contradictions() throws {
        var record = try Self.parent()
        func contradiction(_ options: [String: String]) throws -> VolumeOption? {
            try VolumeRequest(AskedOptions(options), repeating: record, defaults: VolumeDefaults())
                .contradiction(to: record)?.option
        }
        #expect(try contradiction(["from": "db"]) == .from)
        func origin(_ snapshotID: UInt64?) throws -> Origin {
            .cloned(
                CloneOrigin(
                    volume: try VolumeName("db"), pool: "rbd", namespace: "", uid: "u0", imageID: "1",
                    snapshot: try SnapshotName("monday"), snapshotID: snapshotID, size: .gibibytes(1), depth: 1))
        }
        record.origin = try origin(7)
        #expect(try contradiction([:]) == nil)
        #expect(try contradiction(["from": "db"]) == nil)
        #expect(try contradiction(["from": "db", "from-snapshot": "monday"]) == nil)
        #expect(try contradiction(["from": "db", "from-snapshot": "sunday"]) == .fromSnapshot)
        #expect(try contradiction(["from": "other"]) == .from)
        record.origin = try origin(nil)
        #expect(try contradiction(["from": "db"]) == nil)
        #expect(try contradiction(["from": "db", "from-snapshot": "monday"]) == .fromSnapshot)
    }
}
