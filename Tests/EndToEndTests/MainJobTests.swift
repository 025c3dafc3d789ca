import FoundationEssentials
import Rig
import Testing

/// What users have the plugin for.
@Suite("The main job")
struct MainJobTests {
    @Test(
        "A volume is created, mounted, written, unmounted, mounted again, read back and removed",
        arguments: [("ext4", "206"), ("xfs", "512"), ("btrfs", "256")])
    func life(of filesystem: String, size: String) async throws {
        try await Stage.with { stage in
            let (client, name, bytes) = (stage.client, uniqueName("life"), randomBytes(4 << 20))
            #expect(try await client.get(name).error.contains("no such volume"))
            try await client.create(name, options: stage.options(["size": size, "fstype": filesystem])).checked()
            #expect(try await client.get(name).checked().volume?.mountpoint == "")

            let mountpoint = try await client.mount(name, id: "first").checked().mountpoint
            #expect(mountpoint == "\(stage.plugin.mountRoot)/\(name)")
            let mount = try #require(stage.plugin.kernelState.mount(at: mountpoint))
            #expect(mount.type == filesystem)
            #expect(!mount.options.contains("ro"))
            #expect(names(in: mountpoint).isEmpty, "a database image wants its data directory empty")
            try write(bytes, to: mountpoint + "/data")
            #expect(try await client.path(name).checked().mountpoint == mountpoint)
            #expect(try await client.get(name).checked().volume?.mountpoint == mountpoint)
            #expect(try await client.list().checked().volumes?.map(\.mountpoint) == [mountpoint])

            try await client.unmount(name, id: "first").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            #expect(!exists(mountpoint))
            #expect(try await client.path(name).checked().mountpoint == "")

            #expect(try await client.mount(name, id: "second").checked().mountpoint == mountpoint)
            #expect(try read(mountpoint + "/data") == bytes)
            try await client.unmount(name, id: "second").checked()

            try await client.remove(name).checked()
            #expect(try await client.get(name).error.contains("no such volume"))
            #expect(try await client.list().checked().volumes == [])
            try await stage.expectBlank("the volume was removed")
        }
    }

    @Test("Every answer has the shape that Docker decodes, on one connection that stays open")
    func shapes() async throws {
        try await Stage.with { stage in
            let name = uniqueName("shape")
            let mountpoint = "\(stage.plugin.mountRoot)/\(name)"
            let options = JSONValue.object(stage.options().mapValues(JSONValue.string))
            let named: JSONValue = ["Name": .string(name)]
            let withID: JSONValue = ["Name": .string(name), "ID": "id"]
            var connection = try await stage.client.connect()
            let calls: [(String, JSONValue, String)] = [
                ("VolumeDriver.Capabilities", [:], #"{"Capabilities":{"Scope":"global"}}"#),
                ("VolumeDriver.List", [:], #"{"Err":"","Volumes":[]}"#),
                ("VolumeDriver.Create", ["Name": .string(name), "Opts": options], #"{"Err":""}"#),
                ("VolumeDriver.Path", named, #"{"Err":"","Mountpoint":""}"#),
                ("VolumeDriver.Mount", withID, #"{"Err":"","Mountpoint":"\#(mountpoint)"}"#),
                ("VolumeDriver.Path", named, #"{"Err":"","Mountpoint":"\#(mountpoint)"}"#),
                ("VolumeDriver.Unmount", withID, #"{"Err":""}"#),
                ("VolumeDriver.Remove", named, #"{"Err":""}"#),
            ]
            for (method, body, expected) in calls {
                let answer = try await connection.exchange(try DockerRequest.call(method, body))
                #expect(answer.status == 200, "\(method)")
                #expect(answer.text == expected, "\(method)")
                #expect(answer.headers["content-type"] == "application/vnd.docker.plugins.v1.2+json", "\(method)")
                #expect(answer.headers["connection"] == nil, "\(method): Docker keeps the connection")
            }
            let activated = try await connection.exchange(DockerRequest.call("Plugin.Activate", body: []))
            #expect(activated.text == #"{"Implements":["VolumeDriver"]}"#)
        }
    }

    @Test("A node can be told that its volumes are its own")
    func scope() async throws {
        try await Stage.with(settings: ["RBD_SCOPE": "local"]) { stage in
            let answer = try await stage.client.capabilities()
            #expect(answer.scope == "local")
        }
    }

    @Test("Get tells what the volume is and who has it")
    func status() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("status", ["size": "206"])
            let answer = try await stage.client.call("VolumeDriver.Get", ["Name": .string(name)]).checked()
            let body = try JSONValue(parsing: answer.text)
            #expect(Set(body.object.keys) == ["Err", "Volume"])
            #expect(
                Set(body["Volume"]?.object.keys.map(\.self) ?? []) == ["Name", "Mountpoint", "CreatedAt", "Status"])
            let volume = try #require(answer.volume)
            #expect(volume.name == name)
            #expect(try volume.createdAt.map { try Date($0, strategy: .iso8601) } != nil)
            #expect(volume.status["phase"] == "ready")
            #expect(volume.status["image"] == .string(stage.image(name)))
            #expect(volume.status["size"] == "206M")
            #expect(volume.status["sizeBytes"] == .integer(206 << 20))
            #expect(volume.status["filesystem"] == "ext4")
            #expect(volume.status["order"] == 22)
            #expect(volume.status["mount"] == nil)

            try await stage.client.mount(name, id: "id-1").checked()
            let mount = try #require(try await stage.client.get(name).volume?.status["mount"])
            #expect(mount["node"] == .string(stage.plugin.settings.node))
            #expect(mount["state"] == "attached")
            #expect(mount["ids"] == ["id-1": 1])
            let device = stage.plugin.kernelState.mount(at: "\(stage.plugin.mountRoot)/\(name)")?.source
            #expect(mount["device"]?.string == device)
            #expect(mount["clients"]?.array.isEmpty == false)
            try await eventually("the watchers to be seen") {
                try await stage.client.get(name).volume?.status["watchers"] == mount["clients"]
            }
        }
    }

    @Test("Ceph holds the image as asked for, etcd records that a person can read")
    func whatExists() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("exists", ["size": "206"])
            let info = try await stage.imageInfo(of: name)
            #expect(info["size"] == .integer(206 << 20), "a bare number is MiB")
            #expect(info["order"] == 22)
            let features = info["features"]?.array.compactMap(\.string)
            #expect(features == ["layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten"])

            let volume = try #require(try await stage.record(of: name))
            #expect(volume["phase"] == "ready")
            #expect(volume["name"] == .string(name))
            #expect(volume["schema"] == 1)
            #expect(volume["imageID"] == info["id"])
            #expect(volume["options"]?["size"] == "206")
            let marked = try await stage.ceph.rbd("image-meta", "get", stage.image(name), "rbd-plugin.uid")
            #expect(volume["uid"]?.string == marked.filter { $0 != "\n" })
            #expect(try await stage.mountRecord(of: name) == nil)

            let mountpoint = try await stage.client.mount(name, id: "id-1").checked().mountpoint
            let mount = try #require(try await stage.mountRecord(of: name))
            #expect(mount["state"] == "attached")
            #expect(mount["owner"]?["node"] == .string(stage.plugin.settings.node))
            #expect(mount["mountpoint"] == .string(mountpoint))
            #expect(mount["mountIDs"] == ["id-1": 1])
            let recorded = mount["clients"]?.array.compactMap(\.string)
            let watching = try await stage.ceph.watchers(of: "\(stage.namespace)/\(name)", in: stage.pool)
            #expect(recorded == watching, "the address that a fence would have to blocklist")
            let firstEpoch = try #require(mount["epoch"]?.integer)

            try await stage.client.unmount(name, id: "id-1").checked()
            #expect(try await stage.mountRecord(of: name) == nil)
            #expect(try await stage.ceph.watchers(of: "\(stage.namespace)/\(name)", in: stage.pool) == [])
            try await stage.client.mount(name, id: "id-2").checked()
            let again = try await stage.mountRecord(of: name)?["epoch"]?.integer
            #expect(again == firstEpoch + 1, "every owner has an epoch of its own")

            let keys = try await stage.etcd.keys(stage.prefix).map { String($0.dropFirst(stage.prefix.count)) }
            #expect(keys == ["cluster", "mounts/\(name)", "nodes/\(stage.plugin.settings.node)", "volumes/\(name)"])
        }
    }

    @Test("List shows all volumes, by their names")
    func list() async throws {
        try await Stage.with { stage in
            let volumes = [
                try await stage.volume("list"), try await stage.volume("list"), try await stage.volume("list"),
            ]
            let mounted = try await stage.client.mount(volumes[1], id: "id").checked().mountpoint
            let listed = try #require(try await stage.client.list().checked().volumes)
            #expect(listed.map(\.name) == volumes.sorted())
            #expect(listed.first { $0.name == volumes[1] }?.mountpoint == mounted)
            try await stage.withAnotherNode { _, other in
                try await eventually("the other node to list the volumes") {
                    try await other.list().volumes?.map(\.name) == volumes.sorted()
                }
                let there = try await other.get(volumes[1]).checked().volume
                #expect(there?.mountpoint == "", "it is not mounted there")
                #expect(there?.status["mount"]?["node"] == .string(stage.plugin.settings.node))
            }
        }
    }

    @Test("A Create is repeated with success, and refused when it contradicts what there is")
    func createAgain() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("again", ["size": "64"])
            let before = try await stage.surroundings()
            try await stage.client.create(name, options: stage.options(["size": "64"])).checked()
            try await stage.client.create(name, options: ["pool": stage.pool, "namespace": stage.namespace]).checked()
            let refused = try await stage.client.create(name, options: stage.options(["size": "65"]))
            #expect(refused.error.contains("size=64M"))
            let other = try await stage.client.create(name, options: stage.options(["size": "64", "fstype": "xfs"]))
            #expect(!other.succeeded)
            try await stage.expectUnchanged(since: before, after: "the Creates of a volume that exists")
        }
    }
}
