import Rig
import Synchronization
import SystemPackage
import Testing

extension KilledCall {
    /// Docker's calls as they succeed.
    static let successes = [
        create, adopt, clone, mount, unmount, remove, removeToTrash, readerMount, readerUnmount,
    ]
    /// Those that fail, and undo what they had done; and what a restarted plugin does by itself.
    static let failures = [
        failingCreate, failingMount, busyUnmount, recovery, clearingUp, resize, change, rollBack, snapshot,
    ]

    static let create = KilledCall(
        title: "a Create", caller: "Create",
        prepare: { _, _ in },
        call: { scene, name in try await scene.client.create(name, options: scene.stage.options()).checked() },
        again: { scene, name, occasion in
            let answer = try await scene.client.create(name, options: scene.stage.options())
            guard answer.succeeded else { throw RigFailure("\(occasion): \(answer.error)") }
            let mountpoint = try await scene.client.mount(name, id: "a").checked().mountpoint
            try write(scene.bytes, to: mountpoint + "/data")
            try await scene.client.unmount(name, id: "a").checked()
            try await scene.expectReleased(name, occasion)
        },
        finally: { scene, volumes in
            for name in volumes { try await scene.expectUsable(name, "killed Creates") }
            try await scene.expectIntact(volumes, "killed Creates")
        })

    static let adopt = KilledCall(
        title: "a Create that adopts an image", caller: "Create",
        prepare: { scene, name in
            try await scene.prepareVolume(name)
            try await scene.stage.etcd.delete(prefix: "\(scene.stage.prefix)volumes/\(name)")
            try await eventually("the plugin to see that \(name) is no volume any more") {
                try await !scene.client.get(name).succeeded
            }
        },
        call: { scene, name in try await scene.client.create(name, options: adopting(scene)).checked() },
        again: { scene, name, occasion in
            let answer = try await scene.client.create(name, options: adopting(scene))
            guard answer.succeeded else { throw RigFailure("\(occasion): \(answer.error)") }
            try await scene.expectUsable(name, occasion)
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed adoptions") })

    private static func adopting(_ scene: Scene) -> [String: String] {
        ["pool": scene.stage.pool, "namespace": scene.stage.namespace, "adopt": "own"]
    }

    static let mount = KilledCall(
        title: "a Mount", caller: "Mount",
        prepare: { scene, name in try await scene.prepareVolume(name) },
        call: { scene, name in try await scene.client.mount(name, id: "a").checked() },
        again: { scene, name, occasion in try await scene.expectUsable(name, occasion) },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed Mounts") })

    static let unmount = KilledCall(
        title: "an Unmount", caller: "Unmount",
        prepare: { scene, name in
            try await scene.prepareVolume(name)
            try await scene.client.mount(name, id: "a").checked()
        },
        call: { scene, name in try await scene.client.unmount(name, id: "a").checked() },
        again: { scene, name, occasion in
            let answer = try await scene.client.unmount(name, id: "a")
            #expect(answer.succeeded, "\(occasion): \(answer.error)")
            try await scene.expectReleased(name, occasion)
            try await scene.expectUsable(name, occasion)
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed Unmounts") })

    static let remove = KilledCall(
        title: "a Remove", caller: "Remove",
        prepare: { scene, name in try await scene.prepareVolume(name) },
        call: { scene, name in try await scene.client.remove(name).checked() },
        again: { scene, name, occasion in
            let answer = try await scene.client.remove(name)
            #expect(answer.succeeded || answer.error.contains("no such volume"), "\(occasion): \(answer.error)")
            #expect(try await scene.client.get(name).error.contains("no such volume"), "\(occasion)")
            try await scene.stage.expectBlank("\(occasion)")
        },
        finally: { scene, _ in try await scene.stage.expectBlank("killed Removes") })

    static let removeToTrash = KilledCall(
        title: "a Remove into the trash", caller: "Remove",
        prepare: { scene, name in try await scene.prepareVolume(name, ["on-remove": "trash"]) },
        call: { scene, name in try await scene.client.remove(name).checked() },
        again: { scene, name, occasion in
            let answer = try await scene.client.remove(name)
            #expect(answer.succeeded || answer.error.contains("no such volume"), "\(occasion): \(answer.error)")
            #expect(try await scene.client.get(name).error.contains("no such volume"), "\(occasion)")
            try await scene.stage.operate("trash", "restore", name).checked()
            try await scene.expectUsable(name, occasion)
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed Removes into the trash") })

    static let failingCreate = KilledCall(
        title: "a Create that fails", caller: "Create",
        prepare: { _, _ in },
        call: { scene, name in try await expectCreateToFail(scene, name, "not killed") },
        again: { scene, name, occasion in try await expectCreateToFail(scene, name, occasion) },
        finally: { scene, _ in
            try await scene.stage.waitUntilUnchanged(
                since: Surroundings(facts: []), after: "killed Creates that fail", within: .seconds(90))
        })

    private static func expectCreateToFail(_ scene: Scene, _ name: String, _ occasion: String) async throws {
        let answer = try await scene.client.create(name, options: scene.stage.options(["mkfs-options": "-b 100"]))
        #expect(answer.error.contains("invalid block size"), "\(occasion): \(answer.error)")
    }

    static let failingMount = KilledCall(
        title: "a Mount that fails", caller: "Mount",
        prepare: { scene, name in
            let options = scene.stage.options(["size": "16", "mount-options": "stripe=99999999999"])
            try await scene.client.create(name, options: options).checked()
        },
        call: { scene, name in try await expectMountToFail(scene, name, "not killed") },
        again: { scene, name, occasion in
            try await expectMountToFail(scene, name, occasion)
            try await scene.expectReleased(name, occasion)
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed Mounts that fail") })

    private static func expectMountToFail(_ scene: Scene, _ name: String, _ occasion: String) async throws {
        let answer = try await scene.client.mount(name, id: "a")
        let isRefused = answer.error.contains("stripe") || answer.error.contains("bad option")
        #expect(isRefused, "\(occasion): \(answer.error)")
    }

    static var busyUnmount: KilledCall {
        let files = OpenFiles()
        return KilledCall(
            title: "an Unmount of a volume in use", caller: "Unmount",
            prepare: { scene, name in
                try await scene.prepareVolume(name)
                try files.open(try await scene.client.mount(name, id: "a").checked().mountpoint + "/open")
            },
            call: { scene, name in
                let answer = try await scene.client.unmount(name, id: "a")
                #expect(answer.error.contains("busy"), "\(answer.error)")
            },
            again: { scene, name, occasion in
                let mountpoint = "\(scene.stage.plugin.mountRoot)/\(name)"
                let answer = try await scene.client.unmount(name, id: "a")
                #expect(answer.error.contains("busy"), "\(occasion): \(answer.error)")
                #expect(try read(mountpoint + "/data") == scene.bytes, "\(occasion)")
                // Now and then the plugin tries by itself whether it is still in use.
                try await eventually("the volume to be shown as mounted, \(occasion)") {
                    try await scene.client.path(name).checked().mountpoint == mountpoint
                }
                try files.writeAndClose(mountpoint + "/open")
                try await scene.client.unmount(name, id: "a").checked()
                try await eventually("the volume to be let go, \(occasion)") { scene.stage.plugin.kernelState.isEmpty }
                try await scene.expectReleased(name, occasion)
                let there = try await scene.client.mount(name, id: "b").checked().mountpoint
                #expect(try text(of: there + "/open") == "written", "\(occasion)")
                try await scene.client.unmount(name, id: "b").checked()
            },
            finally: { scene, volumes in try await scene.expectIntact(volumes, "killed Unmounts of what is in use") })
    }

    /// What a plugin does when it starts and finds a Mount half done.
    static let recovery = KilledCall(
        title: "the recovery of a killed Mount", caller: "background",
        prepare: { scene, name in
            try await scene.prepareVolume(name)
            let point = KillPoint(line: "Mount: prepare root", count: 1)
            try await scene.stage.plugin.killed(at: point, scene.killSwitch) {
                _ = try await scene.client.mount(name, id: "a")
            }
        },
        call: { scene, name in
            try await scene.stage.plugin.start()
            try await eventually("the half-done Mount to be put in order") {
                try await scene.stage.mountRecord(of: name) == nil
            }
        },
        again: { scene, name, occasion in try await scene.expectUsable(name, occasion) },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed recoveries") })

    /// What a plugin does about a size that an operator wants.
    static let resize = KilledCall(
        title: "a resize", caller: "background", repeated: ["background: run losetup"],
        prepare: { scene, name in
            try await scene.prepareVolume(name, ["fstype": "xfs", "size": "300"])
            try await scene.client.mount(name, id: "a").checked()
        },
        call: { scene, name in
            try await scene.stage.operate("volume", "resize", name, "320M", "--no-wait").checked()
            try await scene.expectGrown(name, "a resize")
        },
        again: { scene, name, occasion in
            try await scene.expectGrown(name, occasion)
            try await scene.client.unmount(name, id: "a").checked()
            try await scene.expectUsable(name, occasion)
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed resizes") })

    /// What a plugin does about values that an operator sets.
    static let change = KilledCall(
        title: "a change of values", caller: "background",
        prepare: { scene, name in
            try await scene.prepareVolume(name)
            try await scene.client.mount(name, id: "a").checked()
        },
        call: { scene, name in
            try await scene.stage.operate("volume", "set", name, "write-bps=2M", "discard=online", "--no-wait")
                .checked()
            try await scene.expectInForce(name, "a change of values")
        },
        again: { scene, name, occasion in
            try await scene.expectInForce(name, occasion)
            try await scene.client.unmount(name, id: "a").checked()
            try await scene.expectUsable(name, occasion)
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed changes of values") })

    /// What a plugin does about a volume that an operator wants to be what it was.
    static let rollBack = KilledCall(
        title: "a rollback", caller: "background", repeated: ["background: roll back a part"],
        prepare: { scene, name in
            try await scene.prepareVolume(name)
            try await scene.stage.operate("snapshot", "create", name, "s").checked()
            let mountpoint = try await scene.client.mount(name, id: "a").checked().mountpoint
            try write(randomBytes(scene.bytes.count), to: mountpoint + "/data")
            try await scene.client.unmount(name, id: "a").checked()
        },
        call: { scene, name in
            try await scene.stage.operate("snapshot", "rollback", name, "s", "--yes", "--no-wait").checked()
            try await scene.expectRolledBack(name, "a rollback")
        },
        again: { scene, name, occasion in
            try await scene.expectRolledBack(name, occasion)
            try await scene.stage.operate("request", "rm", name).checked()
            try await scene.expectUsable(name, occasion)
            try await scene.stage.operate("snapshot", "rm", name, "s").checked()
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed rollbacks") })

    /// What a plugin does about a snapshot that an operator wants of a mounted volume.
    static let snapshot = KilledCall(
        title: "a snapshot", caller: "background",
        prepare: { scene, name in
            try await scene.prepareVolume(name, ["fstype": "ext4"])
            try await scene.client.mount(name, id: "a").checked()
        },
        call: { scene, name in
            let taken = try await scene.stage.operate("snapshot", "create", name, "s")
            guard taken.succeeded else { throw RigFailure("snapshot: \(taken.error)") }
        },
        again: { scene, name, occasion in
            try await eventually("the request to come to its end, \(occasion)") {
                let request = try await scene.stage.operate("request", "get", name)
                return !request.succeeded || request.output.contains("\"done\"")
            }
            let mountpoint = "\(scene.stage.plugin.mountRoot)/\(name)"
            try await runTool("touch", [mountpoint + "/not-frozen"], within: .seconds(20)).checked()
            let shown = try await scene.stage.operate("snapshot", "ls", name, "--json").checked().output
            #expect(try JSONValue(parsing: shown).array.map { $0["name"] } == [.string("s")], "\(occasion)")
            try await scene.client.unmount(name, id: "a").checked()
            _ = try await scene.stage.operate("request", "rm", name)
            try await scene.expectUsable(name, occasion)
            try await scene.stage.operate("snapshot", "rm", name, "s").checked()
        },
        finally: { scene, volumes in try await scene.expectIntact(volumes, "killed snapshots") })

    /// What a plugin does about a Create that was killed and is not asked for again.
    static let clearingUp = KilledCall(
        title: "the clearing up of a killed Create", caller: "background",
        prepare: { scene, name in
            let point = KillPoint(line: "Create: format image", count: 1)
            try await scene.stage.plugin.killed(at: point, scene.killSwitch) {
                _ = try await scene.client.create(name, options: scene.stage.options())
            }
        },
        call: { scene, name in
            try await scene.stage.plugin.start()
            try await eventually("the unfinished Create to be cleared up", within: .seconds(90)) {
                try await scene.stage.record(of: name) == nil
            }
        },
        again: { scene, name, occasion in
            try await eventually("\(occasion) to be cleared up", within: .seconds(90)) {
                try await scene.stage.record(of: name) == nil
            }
        },
        finally: { scene, _ in
            try await scene.stage.waitUntilUnchanged(
                since: Surroundings(facts: []), after: "killed Creates that were cleared up", within: .seconds(90))
        })
}

/// Files that are in use, as by a container's database.
private final class OpenFiles: Sendable {
    private let files = Mutex<[String: FileDescriptor]>([:])

    func open(_ path: String) throws {
        let file = try FileDescriptor.open(
            FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        files.withLock { $0[path] = file }
    }

    func writeAndClose(_ path: String) throws {
        guard let file = files.withLock({ $0.removeValue(forKey: path) }) else {
            throw RigFailure("\(path) is not open")
        }
        try file.closeAfter { _ = try file.writeAll("written".utf8) }
    }

    deinit {
        for file in files.withLock({ $0.values }) { try? file.close() }
    }
}
