import FoundationEssentials
import Rig
import Testing

/// `rbd-plugin status` on a real etcd and Ceph.
@Suite("The status of the whole")
struct StatusCommandTests {
    @Test("Backends, nodes, volumes and unfinished work are on one screen, and -x shows that nothing is wrong")
    func screen() async throws {
        try await Stage.with { stage in
            let (used, idle) = (try await stage.volume("used"), try await stage.volume("idle"))
            try await stage.client.mount(used, id: "a").checked()
            try await stage.operate("volume", "trim", used, "--no-wait").checked()
            let status = try await stage.status()
            #expect(status.codes == [], "\(status)")
            #expect(
                status.report["etcd"]?["answers"] == .bool(true) && status.report["ceph"]?["answers"] == .bool(true))
            #expect(status.report["ceph"]?["detail"]?.string?.contains(stage.environment.fsid) == true)
            let nodes = status.report["nodes"]?.array ?? []
            #expect(nodes.map { $0["node"]?.string } == [stage.plugin.settings.node], "\(status)")
            #expect(nodes.first?["alive"] == .bool(true) && nodes.first?["mounted"]?.integer == 1)
            let volumes = status.report["volumes"]
            #expect(
                volumes?["total"]?.integer == 2 && volumes?["ready"]?.integer == 2 && volumes?["mounted"]?.integer == 1)

            let text = try await stage.operate("status").output
            for words in [
                "BACKEND  ANSWERS", "etcd     yes", "Ceph     yes", stage.plugin.settings.node, "VOLUMES  READY",
            ] {
                #expect(text.contains(words), "\(words): \(text)")
            }
            let short = try await stage.operate("status", "-x").output
            #expect(!short.contains("BACKEND") && !short.contains(stage.plugin.settings.node), "\(short)")
            try await stage.client.unmount(used, id: "a").checked()
            try await stage.client.remove(used).checked()
            try await stage.client.remove(idle).checked()
        }
    }

    @Test("A dead node, a key that cannot be read and a Create that nobody goes on with are wrong, with what to do")
    func troubles() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("held")
            try await stage.client.mount(name, id: "a").checked()
            let half = try await stage.volume("half")
            try await stage.plugin.kill()
            try await stage.endHeartbeat(of: stage.plugin.settings.node)
            let record = try #require(try await stage.etcd.value(of: "\(stage.prefix)volumes/\(half)"))
            let creating = record.replacing(#""phase":"ready""#, with: #""phase":"creating""#)
                .replacing(#""phase" : "ready""#, with: #""phase" : "creating""#)
            try #require(creating != record)
            let old = creating.replacing(#/"createdAt" ?: ?"[^"]*"/#, with: #""createdAt":"2026-01-01T00:00:00Z""#)
            try await stage.etcd.put("\(stage.prefix)volumes/\(half)", old)
            try await stage.etcd.put("\(stage.prefix)volumes/broken", "no JSON")
            let before = try await stage.etcd.keys(stage.prefix)

            let status = try await stage.status()
            #expect(status.status == 1 && status.report["well"] == .bool(false))
            #expect(
                status.codes == ["no-node", "dead-node", "record-unreadable", "unfinished-create"], "\(status)")
            #expect(
                try status.trouble("dead-node")["what"]?.string?.hasSuffix("1 volume: \(name)") == true, "\(status)")
            #expect(try status.trouble("dead-node")["remedy"]?.string?.contains("mount release") == true)
            #expect(try status.trouble("unfinished-create")["subject"]?.string == half)
            #expect(try status.trouble("record-unreadable")["subject"]?.string?.hasSuffix("volumes/broken") == true)
            let text = try await stage.operate("status", "-x")
            #expect(
                text.status == 1 && text.output.contains("dead-node: node \(stage.plugin.settings.node) "), "\(text)")
            #expect(text.output.contains("\n  do: ") && text.output.contains(" things wrong.\n"), "\(text)")
            #expect(try await stage.etcd.keys(stage.prefix) == before, "status changes nothing")
        }
    }

    @Test("A backend that hangs is shown as such, and the other one is shown all the same", arguments: ["mon", "etcd"])
    func hanging(server: String) async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig) { stage in
                let name = try await stage.volume("there")
                let hanging = server == "mon" ? stage.ceph.mon : RigServer.etcd(of: rig)
                let status = try await hanging.disturbed(by: .pause) { try await stage.status() }
                #expect(status.status == 1)
                if server == "mon" {
                    #expect(status.codes == ["ceph-silent"], "\(status)")
                    #expect(
                        status.report["volumes"]?["total"]?.integer == 1 && status.report["nodes"]?.array.count == 1)
                } else {
                    #expect(status.codes == ["etcd-silent"], "\(status)")
                    #expect(status.report["volumes"] == nil && status.report["ceph"]?["answers"] == .bool(true))
                }
                try await eventually("the volume to be removed") { try await stage.client.remove(name).succeeded }
            }
        }
    }
}

/// What `rbd-plugin status --json` has said.
private struct SeenStatus: CustomStringConvertible {
    let status: Int32
    let report: JSONValue

    private var troubles: [JSONValue] { report["troubles"]?.array ?? [] }

    /// Without what the rig itself has: its only OSD has ratios that Ceph complains of.
    var codes: [String] { troubles.compactMap { $0["code"]?.string }.filter { $0 != "ceph-error" } }

    func trouble(_ code: String) throws -> JSONValue {
        try #require(troubles.first { $0["code"]?.string == code }, "\(self)")
    }

    var description: String { "status \(status): \(report)" }
}

extension Stage {
    fileprivate func status() async throws -> SeenStatus {
        let result = try await operate("status", "--json")
        #expect(result.error == "", "\(result.error)")
        return SeenStatus(status: result.status, report: try JSONValue(parsing: result.output))
    }
}
