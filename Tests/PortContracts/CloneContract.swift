import Testing
import VolumeCore

/// What every `VolumeFormatter` and `ImageStore` promise of images that are made out of others.
public enum CloneContract {
    public static let promises: [ContractCase<NodeUnderTest>] = [
        .init("a clone holds what its snapshot holds, beside its parent on one node, mounted or not") {
            try await $0.clones()
        },
        .init("a clone of a filesystem that is in use has its log replayed, and the parent goes on") {
            try await $0.clonesInUse()
        },
        .init("a clone bears its own uid, is as large as its snapshot, and has no snapshot and no writer of its parent")
        {
            try await $0.cloneIsItself()
        },
        .init("an image that a clone needs is not removed, nor when the snapshot was; after the clone it is") {
            try await $0.parentStays()
        },
        .init(
            "a snapshot that is not there, or of another image of the name, leaves a clone that nobody takes for whole"
        ) {
            try await $0.noSnapshot()
        },
        .init("a taken name is refused, and what bears it stays as it is") { try await $0.cloneTaken() },
    ]
}

extension NodeUnderTest {
    fileprivate func clones() async throws {
        for type in types {
            try await withFormatted(type) { parent, id in
                try await write("kept", to: "file", on: parent, type)
                let snapshot = try await take("s", of: parent, id)
                try await write("later", to: "file", on: parent, type)
                try await withClone(of: snapshot, type) { clone, _ in
                    try await withBothMounted(parent, clone, type) { old, new in
                        let (now, then) = (
                            try await applications.read("file", at: old), try await applications.read("file", at: new)
                        )
                        #expect(now == "later" && then == "kept")
                    }
                }
            }
        }
    }

    /// btrfs of a kernel before 6.7 cannot replay the log beside its parent: that is told, and is no clone.
    fileprivate func clonesInUse() async throws {
        for type in types where type != .btrfs {
            try await withFormatted(type) { parent, id in
                try await withDevice(parent) { device in
                    try await withMount(device, type) { mountpoint in
                        try await applications.write("fsynced", to: "file", at: mountpoint)
                        let snapshot = try await take("s", of: parent, id)
                        try await withClone(of: snapshot, type) { clone, _ in
                            try await withDevice(clone) { copy in
                                try await withMount(copy, type) {
                                    let found = try await applications.read("file", at: $0)
                                    #expect(found == "fsynced")
                                }
                            }
                        }
                        try await applications.write("goes on", to: "file", at: mountpoint)
                    }
                }
            }
        }
    }

    fileprivate func cloneIsItself() async throws {
        try await withFormatted { parent, id in
            let client = try #require(ClientAddress("10.0.0.1:0/7"))
            try await images.noteWriter(client, in: parent, id: id)
            let snapshot = try await take("s", of: parent, id)
            let size = place.spec().size
            try await images.grow(parent, id: id, to: VolumeSize(bytes: size.bytes + 64 << 20))
            try await withClone(of: snapshot) { clone, cloneID in
                let found = try #require(await images.inspect(clone))
                #expect(found.id == cloneID && found.id != id && found.uid == "uid-clone")
                #expect(found.size == size && found.snapshots.isEmpty && found.writers.isEmpty)
                #expect(try await snapshots.snapshots(of: clone, id: cloneID) == [])
                #expect(try await mapper.mapped().contains { $0.image == clone } == false)
            }
            try await images.forgetWriters([client], in: parent, id: id)
        }
    }

    fileprivate func parentStays() async throws {
        try await withFormatted { parent, id in
            let snapshot = try await take("s", of: parent, id)
            try await withClone(of: snapshot) { clone, _ in
                let other = try await take("other", of: parent, id)
                for (asked, expected) in [(nil, ["\(clone)"]), (snapshot.id, ["\(clone)"]), (other.id, [])] {
                    #expect(try await images.clones(of: parent, id: id, madeOf: asked) == expected)
                }
                try await snapshots.remove(other.id, of: parent, id: id)
                await expectFailure(.notFound, "the clones of a snapshot that is gone") {
                    _ = try await images.clones(of: parent, id: id, madeOf: other.id)
                }
                try await snapshots.remove(snapshot.id, of: parent, id: id)
                let listed = try await snapshots.snapshots(of: parent, id: id)
                #expect(listed.isEmpty)
                #expect(try await images.inspect(parent)?.snapshots.isEmpty == false)
                #expect(try await images.clones(of: parent, id: id, madeOf: nil) == ["\(clone)"])
                await expectFailure(.busy, "an image that a clone needs") { try await images.remove(parent, id: id) }
            }
            try await eventually("the parent is free", on: clock) {
                try await images.inspect(parent)?.snapshots.isEmpty == true
            }
            let clones = try await images.clones(of: parent, id: id, madeOf: nil)
            #expect(clones.isEmpty)
        }
    }

    fileprivate func noSnapshot() async throws {
        try await withFormatted { parent, id in
            var snapshot = try await take("s", of: parent, id)
            try await snapshots.remove(snapshot.id, of: parent, id: id)
            let clone = place.image("clone")
            await expectFailure(.notFound, "a snapshot that is gone") {
                _ = try await formatter.createClone(clone, of: snapshot, spec: place.spec(), uid: "uid-clone")
            }
            snapshot.imageID = "123456789abc"
            await expectFailure(.notFound, "another image of the name") {
                _ = try await formatter.createClone(clone, of: snapshot, spec: place.spec(), uid: "uid-clone")
            }
            #expect(try await images.inspect(clone)?.uid != "uid-clone")
            try await images.remove(clone, id: nil)
        }
    }

    fileprivate func cloneTaken() async throws {
        try await withFormatted { parent, id in
            let snapshot = try await take("s", of: parent, id)
            try await withImage { taken, _ in
                let before = try await images.inspect(taken)
                let error = await expectFailure(.alreadyExists, "a name that is taken") {
                    _ = try await formatter.createClone(taken, of: snapshot, spec: place.spec(), uid: "uid-clone")
                }
                #expect(error?.outcome != .unknown)
                #expect(try await images.inspect(taken) == before)
            }
            try await snapshots.remove(snapshot.id, of: parent, id: id)
        }
    }

    // MARK: Helpers

    private func take(_ name: String, of image: ImageReference, _ id: String) async throws -> ParentSnapshot {
        let mark = SnapshotMark(consistency: .crash, by: "contract", token: "t-\(name)")
        let taken = try await snapshots.take(SnapshotName(name), of: image, id: id, mark: mark)
        return ParentSnapshot(image: image, imageID: id, id: taken.id, name: name)
    }

    private func write(_ text: String, to file: String, on image: ImageReference, _ type: FilesystemType) async throws {
        try await withDevice(image) { device in
            try await withMount(device, type) { try await applications.write(text, to: file, at: $0) }
        }
    }

    /// Lends a clone and removes it, and then the snapshot.
    private func withClone(
        of snapshot: ParentSnapshot, _ type: FilesystemType = .ext4,
        _ body: (ImageReference, String) async throws -> Void
    ) async throws {
        let clone = place.image("clone")
        try await cleaningUp {
            let id = try await formatter.createClone(clone, of: snapshot, spec: place.spec(type), uid: "uid-clone")
            try await body(clone, id)
        } after: {
            try await eventually("the clone can be removed", on: clock) {
                try await images.watchers(of: clone) == []
            }
            try await images.remove(clone, id: nil)
            try await snapshots.remove(snapshot.id, of: snapshot.image, id: snapshot.imageID)
        }
    }

    private func withBothMounted(
        _ one: ImageReference, _ other: ImageReference, _ type: FilesystemType,
        _ body: (String, String) async throws -> Void
    ) async throws {
        try await withDevice(one) { first in
            try await withDevice(other) { second in
                try await filesystems.check(first.path, type)
                try await filesystems.check(second.path, type)
                try await withMount(first, type) { old in
                    try await withMount(second, type) { new in try await body(old, new) }
                }
            }
        }
    }
}
