import FoundationEssentials
import Rig
import SystemPackage
import Testing

/// The operator's commands, run as a person runs them, on a real etcd and Ceph.
@Suite("The operator's commands")
struct OperatorCommandTests {
    @Test("On a stage with nothing, the tables have only a heading, and the JSON is an empty list")
    func empty() async throws {
        try await Stage.with(started: false) { stage in
            for (noun, heading) in [("volume", "NAME"), ("mount", "VOLUME"), ("node", "NODE")] {
                let table = try await stage.operate(noun, "ls").checked().output
                #expect(table.hasPrefix(heading) && table.split(separator: "\n").count == 1, "\(table)")
                let json = try JSONValue(parsing: try await stage.operate(noun, "ls", "--json").checked().output)
                #expect(json == [], "\(noun)")
            }
        }
    }

    @Test("volume ls, volume inspect, mount ls and node ls show what there is, as tables and as JSON")
    func listings() async throws {
        try await Stage.with { stage in
            let (idle, mounted) = (try await stage.volume("idle"), try await stage.volume("mounted"))
            for _ in 0..<2 { try await stage.client.mount(mounted, id: "a").checked() }
            let node = stage.plugin.settings.node
            let record = try #require(try await stage.mountRecord(of: mounted))
            let device = try #require(record["device"]?.string)
            let client = try #require(record["clients"]?.array.first?.string)
            let since = try #require(record["since"]?.string)

            let volumes = Table(try await stage.operate("volume", "ls").checked().output)
            #expect(volumes.headings == ["NAME", "PHASE", "SIZE", "FILESYSTEM", "IMAGE", "NODE", "SINCE"])
            #expect(volumes[idle] == ["ready", "32M", "ext4", stage.image(idle), "-", "-"])
            #expect(volumes[mounted] == ["ready", "32M", "ext4", stage.image(mounted), node, since])
            let mounts = Table(try await stage.operate("mount", "ls").checked().output)
            #expect(
                mounts.headings
                    == ["VOLUME", "NODE", "ALIVE", "STATE", "EPOCH", "DEVICE", "CLIENT", "USERS", "SINCE"])
            #expect(mounts[idle] == nil)
            #expect(mounts[mounted] == [node, "yes", "attached", "1", device, client, "2", since])
            let nodes = Table(try await stage.operate("node", "ls").checked().output)
            #expect(nodes.headings == ["NODE", "ALIVE", "MOUNTED", "SINCE", "VERSION", "BOOT"])
            #expect(nodes[node]?.prefix(2) == ["yes", "1"])

            let list = try JSONValue(parsing: try await stage.operate("volume", "ls", "--json").checked().output)
            #expect(list.array.map { $0["name"] } == [idle, mounted].sorted().map { .string($0) })
            let held = try JSONValue(parsing: try await stage.operate("mount", "ls", "--json").checked().output)
            #expect(held.array.map { $0["name"] } == [.string(mounted)])
            #expect(held.array.first?["mount"]?["mountIDs"] == ["a": 2])
            let living = try JSONValue(parsing: try await stage.operate("node", "ls", "--json").checked().output)
            #expect(living.array.map { $0["node"] } == [.string(node)])
            #expect(living.array.first?["alive"] == true && living.array.first?["mounted"] == 1)
            let shown = try JSONValue(parsing: try await stage.operate("volume", "inspect", mounted).checked().output)
            #expect(shown["volume"]?["uid"] == record["volumeUID"])
            #expect(shown["mount"]?["device"] == .string(device))
        }
    }

    @Test("What does not exist, what is not mounted and a missing etcd are said in a sentence, with status 1")
    func refusals() async throws {
        try await Stage.with { stage in
            let (idle, held) = (try await stage.volume("idle"), try await stage.volume("held"))
            try await stage.client.mount(held, id: "a").checked()
            let before = try await stage.surroundings()
            for (arguments, says) in [
                (["volume", "inspect", "nobody"], "there is no such volume"),
                (["volume", "forget", "nobody", "--yes"], "there is no such volume"),
                (["volume", "protect", "nobody"], "there is no such volume"),
                (["volume", "unprotect", "nobody"], "there is no such volume"),
                (["mount", "release", "nobody", "--yes"], "there is no such volume"),
                (["volume", "inspect", "../etc"], "volume name"),
                (["mount", "release", idle, "--yes"], "nothing to release"),
                (["volume", "forget", held, "--yes"], stage.plugin.settings.node),
            ] {
                let result = try await stage.operate(arguments)
                #expect(result.status == 1 && result.output.isEmpty, "\(arguments): \(result)")
                #expect(result.error.contains(says), "\(arguments): \(result.error)")
            }
            let lost = try await stage.operate(["volume", "ls"], settings: ["ETCD_ENDPOINTS": "http://127.0.0.1:9"])
            #expect(lost.status == 1 && lost.error.contains("127.0.0.1:9"), "\(lost)")
            let wrong = try await stage.operate(["volume", "ls"], settings: ["RBD_MAPPER": "floppy"])
            #expect(wrong.status == 78 && wrong.error.contains("RBD_MAPPER"), "\(wrong)")
            try await stage.expectUnchanged(since: before, after: "refused commands")
        }
    }

    @Test("Without --yes the question is asked, and whatever is no yes changes nothing", arguments: Answer.noes)
    func unanswered(answer: Answer) async throws {
        try await Stage.with { stage in
            let (idle, held) = (try await stage.volume("idle"), try await stage.volume("held"))
            try await stage.client.mount(held, id: "a").checked()
            let before = try await stage.surroundings()
            let forget = try await stage.operate(["volume", "forget", idle], answering: answer)
            #expect(forget.status == 1, "\(forget)")
            #expect(
                forget.error.contains("Forget volume \(idle)?") && forget.error.contains("[y/N]"), "\(forget.error)")
            let release = try await stage.operate(["mount", "release", held], answering: answer)
            #expect(release.status == 1, "\(release)")
            #expect(release.error.contains("from node \(stage.plugin.settings.node)"), "\(release.error)")
            try await stage.expectUnchanged(since: before, after: "a question that was not answered with yes")
        }
    }

    @Test("node forget takes all volumes of a node that is gone, and none of one that is alive or was never there")
    func forgottenNode() async throws {
        try await Stage.with { stage in
            let node = stage.plugin.settings.node
            let names = [try await stage.volume("first"), try await stage.volume("second")]
            for name in names { try await stage.client.mount(name, id: "a").checked() }
            let alive = try await stage.operate("node", "forget", node, "--yes")
            #expect(alive.status == 1 && alive.error.contains("Node \(node) is alive"), "\(alive)")
            let nobody = try await stage.operate("node", "forget", "nobody", "--yes")
            #expect(nobody.status == 1 && nobody.error.contains("nothing to take"), "\(nobody)")
            try await stage.plugin.kill()
            try await stage.endHeartbeat(of: node)
            let unanswered = try await stage.operate(["node", "forget", node], answering: .nothing)
            #expect(unanswered.status == 1 && names.allSatisfy { unanswered.error.contains($0) }, "\(unanswered)")
            #expect(try await stage.operate("node", "ls").checked().output.contains(node))
            let forgotten = try await stage.operate("node", "forget", node, "--yes").checked()
            #expect(names.allSatisfy { forgotten.output.contains("Released volume \($0).") }, "\(forgotten)")
            #expect(try await !stage.operate("node", "ls").checked().output.contains(node))
            try await stage.withAnotherNode { _, other in
                for name in names {
                    try await other.mount(name, id: "b").checked()
                    try await other.unmount(name, id: "b").checked()
                    try await other.remove(name).checked()
                }
            }
        }
    }

    @Test("A forgotten volume leaves its image, from which it can be adopted with all that is on it")
    func forget() async throws {
        try await Stage.with(settings: ["RBD_ALLOW_ADOPT": "true"]) { stage in
            let (client, name) = (stage.client, try await stage.volume("forgotten"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("kept", to: mountpoint + "/file")
            try await client.unmount(name, id: "a").checked()
            let result = try await stage.operate(["volume", "forget", name], answering: .yes).checked()
            #expect(result.output.contains("Forgot volume \(name)"))
            #expect(try await stage.record(of: name) == nil)
            #expect(try await stage.images() == [name])
            try await eventually("the plugin to know the volume no more") {
                try await client.get(name).error.contains("no such volume")
            }
            let adopting = ["pool": stage.pool, "namespace": stage.namespace, "adopt": "own"]
            try await client.create(name, options: adopting).checked()
            try await client.mount(name, id: "a").checked()
            #expect(try text(of: mountpoint + "/file") == "kept")
        }
    }

    @Test("E19: volume protect keeps a volume from being removed on any node, until volume unprotect")
    func e19Protect() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("protected")
            #expect(try await stage.operate("volume", "protect", name).checked().output.contains("is protected"))
            #expect(try await stage.record(of: name)?["protected"] == true)
            try await eventually("the plugin to show it") {
                try await stage.client.get(name).checked().volume?.status["protected"] == true
            }
            try await stage.withAnotherNode { _, other in
                for client in [stage.client, other] {
                    let refusal = try await client.remove(name).error
                    #expect(refusal.contains("volume unprotect \(name)"), "\(refusal)")
                }
            }
            #expect(try await stage.images() == [name])
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.operate("volume", "unprotect", name).checked()
            #expect(try await stage.record(of: name)?["protected"] == nil)
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test(
        "Releasing a dead node's mount shuts it out of Ceph and makes the volume free; the node lets go when it is back"
    )
    func release() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("released")
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("from before", to: here + "/file")
            try await runTool("sync", ["--file-system", here]).checked()
            let client = try #require(try await stage.mountRecord(of: name)?["clients"]?.array.first?.string)
            try await stage.plugin.kill()
            try await stage.endHeartbeat(of: stage.plugin.settings.node)
            let node = stage.plugin.settings.node
            #expect(Table(try await stage.operate("mount", "ls").checked().output)[name]?[1] == "no")
            #expect(Table(try await stage.operate("node", "ls").checked().output)[node]?.prefix(2) == ["no", "1"])

            let result = try await stage.operate(["mount", "release", name], answering: .yes).checked()
            #expect(result.error.contains(client), "the question names who is shut out: \(result.error)")
            #expect(result.output.contains("Released volume \(name) from node \(node)"), "\(result.output)")
            #expect(try await stage.ceph.blocklist().contains(client))
            #expect(try await stage.mountRecord(of: name) == nil)
            let late = try await runTool("dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"])
            #expect(!late.succeeded, "the released node wrote")
            let again = try await stage.operate("mount", "release", name, "--yes")
            #expect(again.status == 1 && again.error.contains("nothing to release"), "\(again)")

            try await stage.withAnotherNode { _, other in
                let there = try await other.mount(name, id: "b").checked().mountpoint
                #expect(try text(of: there + "/file") == "from before")
                try await stage.plugin.start()
                try await eventually("the released node to let go") { stage.plugin.kernelState.isEmpty }
                #expect(!exists(there + "/late"))
                try await other.unmount(name, id: "b").checked()
            }
            try await stage.expectSoundFilesystem(name, after: "a release")
            try await stage.client.mount(name, id: "c").checked()
        }
    }

    @Test("Releasing a live node's mount with --yes asks nothing; that node's writes fail, and it lets go by itself")
    func releaseOfLiveNode() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("taken")
            let here = try await stage.client.mount(name, id: "a").checked().mountpoint
            try write("from before", to: here + "/file")
            try await runTool("sync", ["--file-system", here]).checked()
            try await holdingOpen(here + "/open") { file in
                let result = try await stage.operate("mount", "release", name, "--yes").checked()
                #expect(result.error.isEmpty, "\(result.error)")
                #expect(throws: (any Error).self) {
                    _ = try file.writeAll([UInt8](repeating: 1, count: 4096))
                    try synchronize(file)
                }
            }
            try await eventually("the node to let go") { stage.plugin.kernelState.isEmpty }
            try await stage.expectSoundFilesystem(name, after: "a release from a live node")
            let back = try await stage.client.mount(name, id: "b").checked().mountpoint
            #expect(try text(of: back + "/file") == "from before")
        }
    }
}

/// A table as it was printed: its cells hold no blanks.
private struct Table {
    let headings: [String]
    private let rows: [String: [String]]

    init(_ text: String) {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        headings = lines.first ?? []
        rows = Dictionary(lines.dropFirst().map { ($0[0], Array($0.dropFirst())) }) { _, last in last }
    }

    /// The cells beside the first one.
    subscript(first: String) -> [String]? { rows[first] }
}
