import FoundationEssentials
import Rig
import Testing

/// Policies as an administrator handles them, on a real etcd and Ceph.
@Suite("The commands for policies")
struct PolicyCommandTests {
    private static let examples =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/examples"

    private func policy(
        _ stage: Stage, _ arguments: [String], _ text: String, settings: [String: String] = [:]
    ) async throws -> ToolResult {
        let folder = try TemporaryFolder.make("policy")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/policy.json"
        try Data(text.utf8).write(to: URL(filePath: file))
        return try await stage.operate(["policy"] + arguments, reading: file, settings: settings)
    }

    @Test("A policy is uploaded, shown, compared, changed and removed, and stands in etcd as JSON that people can read")
    func lifecycle() async throws {
        try await Stage.with(started: false) { stage in
            let text = #"{"create": {"pool": "rbd", "size": 20480}, "runtime": {"iops": 500}}"#
            let made = try await policy(stage, ["upload", "gold"], text).checked()
            #expect(made.output == "Made policy gold. 0 volumes follow it.\n", "\(made.output)")
            let record = try #require(try await stage.etcd.json(of: "\(stage.prefix)policies/gold"))
            #expect(record["create"]?["pool"] == "rbd" && record["create"]?["size"] == "20480")
            #expect(record["runtime"]?["iops"] == "500" && record["schema"] == 1)

            let shown = try await stage.operate("policy", "get", "gold").checked().output
            #expect(!shown.contains("schema") && !shown.contains("write"))
            let again = try await policy(stage, ["upload", "gold"], shown).checked()
            #expect(again.output.contains("Nothing to change in policy gold"), "\(again.output)")
            #expect(try await policy(stage, ["diff", "gold"], shown).checked().output.isEmpty)

            let changed = text.replacing("500", with: "800").replacing(#""pool": "rbd", "#, with: "")
            let difference = try await policy(stage, ["diff", "gold"], changed)
            #expect(difference.status == 1)
            #expect(difference.output == "- create.pool=rbd\n- runtime.iops=500\n+ runtime.iops=800\n")
            let second = try await policy(stage, ["upload", "gold"], changed).checked()
            #expect(second.output.contains("Changed policy gold"), "\(second.output)")
            let table = try await stage.operate("policy", "ls").checked().output
            #expect(table.contains("size=20480") && table.contains("iops=800"), "\(table)")
            let list = try JSONValue(parsing: try await stage.operate("policy", "ls", "--json").checked().output)
            #expect(list.array.map { $0["name"] } == ["gold"] && list.array.first?["volumes"] == 0)

            #expect(try await stage.operate("policy", "rm", "gold").checked().output == "Removed policy gold.\n")
            #expect(try await stage.etcd.json(of: "\(stage.prefix)policies/gold") == nil)
            for command in [["get", "gold"], ["rm", "gold"], ["rm", "gold", "--force"]] {
                let gone = try await stage.operate(["policy"] + command)
                #expect(gone.status == 1 && gone.error.contains("there is no policy gold"), "\(command): \(gone)")
            }
        }
    }

    @Test("What is no policy is refused in a sentence, and changes nothing; to tell that takes no etcd")
    func refused() async throws {
        try await Stage.with(started: false) { stage in
            let before = try await stage.surroundings()
            let away = ["ETCD_ENDPOINTS": "http://127.0.0.1:9"]
            for (text, says) in [
                ("", "no JSON"), ("gold", "no JSON"), ("[]", "no JSON object"),
                (#"{"create": {"pol": "rbd"}}"#, "did you mean 'create.pool'?"),
                (#"{"create": {"size": "20G", "max-size": "10G"}}"#, "max-size"),
                (#"{"runtime": {"iops": 0}}"#, "iops=0"),
                (String(repeating: "[", count: 600), "nested"),
                (#"{"create": {}}"# + String(repeating: " ", count: 2 << 20), "64 KiB"),
            ] {
                for command in [["upload", "gold"], ["validate"]] {
                    let result = try await policy(stage, command, text, settings: away)
                    #expect(result.status == 1 && result.output.isEmpty, "\(command) \(text.prefix(60)): \(result)")
                    #expect(result.error.contains(says), "\(command) \(text.prefix(60)): \(result.error)")
                }
            }
            for name in ["a.b", "../gold", "a/b", "", "-"] {
                let result = try await policy(stage, ["upload", "--", name], "{}")
                #expect(result.status != 0 && !result.error.isEmpty, "\(name): \(result)")
            }
            try await stage.expectUnchanged(since: before, after: "refused policies")
        }
    }

    @Test("A policy of volplugin is accepted as it is, and each key is translated or said to have no meaning")
    func volplugin() async throws {
        try await Stage.with(started: false) { stage in
            let text = #"""
                {"name": "policy1", "unlocked": false, "backends": {"crud": "ceph", "mount": "ceph", "snapshot": "ceph"},
                 "driver": {"pool": "rbd"}, "create": {"size": "200MB", "filesystem": "ext4"},
                 "runtime": {"snapshots": true, "snapshot": {"frequency": "30m", "keep": 20},
                   "rate-limit": {"write-iops": 1000, "read-iops": 1000, "write-bps": 100000000, "read-bps": 0}},
                 "filesystems": {"ext4": "mkfs.ext4 -m0 %"}}
                """#
            for command in [["validate"], ["upload", "policy1"]] {
                let result = try await policy(stage, command, text).checked()
                #expect(result.output.contains("'driver.pool' is read as create.pool."), "\(result.output)")
                #expect(
                    result.output.contains("'runtime.snapshot.keep' is read as runtime.snapshots.keep."),
                    "\(result.output)")
                #expect(result.output.contains("'unlocked' has no meaning here: "), "\(result.output)")
            }
            let shown = try JSONValue(parsing: try await stage.operate("policy", "get", "policy1").checked().output)
            #expect(shown["create"]?["mkfs-options"] == "-m0" && shown["create"]?["fstype"] == "ext4")
            #expect(shown["runtime"]?["write-iops"] == "1000" && shown["runtime"]?["read-bps"] == nil)
        }
    }

    @Test(
        "The policies for a database and for a cache make volumes that can be used", arguments: ["database", "cache"])
    func examples(_ name: String) async throws {
        try await Stage.with { stage in
            let file = "\(Self.examples)/policy-\(name).json"
            try await stage.operate(["policy", "upload", name], reading: file).checked()
            let volume = uniqueName(name)
            let options = ["policy": name, "pool": stage.pool, "namespace": stage.namespace, "size": "400"]
            try await stage.client.create(volume, options: options).checked()
            let record = try #require(try await stage.record(of: volume))
            let isDatabase = name == "database"
            #expect(record["policy"] == .string(name) && record["phase"] == "ready")
            #expect(record["spec"]?["filesystem"] == (isDatabase ? "xfs" : "ext4"))
            #expect(record["spec"]?["mountOptions"] == ["noatime"])
            #expect((record["protected"] == true) == isDatabase)
            let mountpoint = try await stage.client.mount(volume, id: "a").checked().mountpoint
            try write("one", to: mountpoint + "/file")
            try await stage.client.unmount(volume, id: "a").checked()
            if isDatabase { try await stage.operate("volume", "unprotect", volume).checked() }
            try await stage.client.remove(volume).checked()
        }
    }

    @Test("A policy that volumes follow is removed only by force, and then they keep what they have")
    func removal() async throws {
        try await Stage.with { stage in
            let text =
                #"{"create": {"pool": "\#(stage.pool)", "namespace": "\#(stage.namespace)", "size": "32M", "max-size": "64M"},"#
                + #""runtime": {"iops": 500, "write-bps": "20M"}}"#
            try await policy(stage, ["upload", "gold"], text).checked()
            let (client, volume) = (stage.client, uniqueName("db"))
            let options = ["policy": "gold", "iops": "700"]
            try await client.create(volume, options: options).checked()
            let grow = try await stage.operate("volume", "resize", volume, "128M")
            #expect(grow.status == 1 && grow.error.contains("policy gold allows 64M"), "\(grow)")
            let large = try await client.create(uniqueName("db"), options: ["policy": "gold", "size": "128"])
            #expect(large.error.contains("policy gold allows 64M"), "\(large.error)")
            let unknown = try await client.create(uniqueName("db"), options: ["policy": "glod"])
            #expect(unknown.error.contains("there is no policy glod; there are gold"), "\(unknown.error)")

            let refused = try await stage.operate("policy", "rm", "gold")
            #expect(
                refused.status == 1 && refused.error.contains(volume) && refused.error.contains("--force"), "\(refused)"
            )
            try await client.mount(volume, id: "a").checked()
            let forced = try await stage.operate("policy", "rm", "gold", "--force").checked()
            #expect(
                forced.output.contains("Removed policy gold.") && forced.output.contains(volume), "\(forced.output)")
            let record = try #require(try await stage.record(of: volume))
            #expect(record["policy"] == nil)
            #expect(record["runtime"] == ["iops": "700", "write-bps": "20M"], "\(record)")
            // Docker repeats the Create of a service that names the policy.
            try await client.create(volume, options: options).checked()
            try await client.unmount(volume, id: "a").checked()
            try await client.remove(volume).checked()
        }
    }

    @Test(
        "Two nodes that create at once never get more than a policy allows in sum, and the refusal says what is in use")
    func sum() async throws {
        try await Stage.with { stage in
            let create = #""pool": "\#(stage.pool)", "namespace": "\#(stage.namespace)", "size": "16M""#
            try await policy(stage, ["upload", "gold"], #"{"create": {\#(create), "max-total": "80M"}}"#).checked()
            let names = (0..<16).map { _ in uniqueName("sum") }
            try await stage.withAnotherNode { _, other in
                let answers = try await withThrowingTaskGroup(of: String.self) { group in
                    for (number, name) in names.enumerated() {
                        let client = number.isMultiple(of: 2) ? stage.client : other
                        group.addTask { try await client.create(name, options: ["policy": "gold"]).error }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.count { $0.isEmpty } == 5, "\(answers)")
                let refusal =
                    "policy gold allows its volumes 80M in sum; the others have 80M, and this one would have 16M"
                for answer in answers where !answer.isEmpty { #expect(answer.contains(refusal), "\(answer)") }
            }
            let made = try await stage.images().sorted()
            #expect(made.count == 5)
            let grow = try await stage.operate("volume", "resize", made[0], "17M")
            #expect(
                grow.status == 1 && grow.error.contains("the others have 64M, and this one would have 17M"), "\(grow)")
            let lower = try await policy(stage, ["upload", "gold"], #"{"create": {\#(create), "max-total": "32M"}}"#)
            #expect(try lower.checked().output.contains("They have 80M in sum, more than max-total=32M"), "\(lower)")
            #expect(try await stage.operate("policy", "ls").checked().output.contains("80M"))
            for name in made { try await stage.client.remove(name).checked() }
            #expect(try await stage.etcd.value(of: "\(stage.prefix)quotas/gold") != nil)
            try await stage.operate("policy", "rm", "gold").checked()
            try await stage.expectBlank("the key that guards the sum goes with the policy")
        }
    }

    @Test("A policy named 'default' is for volumes that name none, on every node")
    func standard() async throws {
        try await Stage.with { stage in
            let old = try await stage.volume("old")
            let text = #"{"create": {"pool": "\#(stage.pool)", "namespace": "\#(stage.namespace)", "size": "40M"}}"#
            try await policy(stage, ["upload", "default"], text).checked()
            try await stage.client.create(old, options: stage.options()).checked()
            #expect(try await stage.record(of: old)?["policy"] == nil)
            try await stage.withAnotherNode { _, other in
                let new = uniqueName("new")
                try await other.create(new, options: [:]).checked()
                let record = try #require(try await stage.record(of: new))
                #expect(record["policy"] == "default" && record["spec"]?["size"] == 41_943_040)
            }
        }
    }
    @Test("A volume named POLICY/NAME is Docker's by that name, and an image POLICY.NAME in Ceph")
    func names() async throws {
        try await Stage.with { stage in
            let text = #"{"create": {"pool": "\#(stage.pool)", "namespace": "\#(stage.namespace)", "size": "32M"}}"#
            try await policy(stage, ["upload", "gold"], text).checked()
            let (client, stem) = (stage.client, uniqueName("cache"))
            let (given, own) = ("gold/\(stem)", "gold.\(stem)")
            try await client.create(given, options: [:]).checked()
            #expect(try await stage.images() == [own])
            #expect(try await stage.record(of: own)?["givenName"] == .string(given))
            #expect(try await client.get(given).checked().volume?.name == given)
            #expect(try await client.list().checked().volumes?.map(\.name) == [given])
            #expect(try await !client.get(own).succeeded)
            #expect(try await client.create(own, options: stage.options()).error.contains(given))
            let mountpoint = try await client.mount(given, id: "a").checked().mountpoint
            #expect(mountpoint.hasSuffix("/\(own)"), "\(mountpoint)")
            try await client.unmount(given, id: "a").checked()
            #expect(try await stage.operate("volume", "ls").checked().output.contains(given))
            try await client.remove(given).checked()
            #expect(try await stage.record(of: own) == nil)
        }
    }
}
