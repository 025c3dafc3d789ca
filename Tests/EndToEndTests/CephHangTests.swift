import FoundationEssentials
import Rig
import Testing

/// Ceph hangs, and Docker goes on calling.
@Suite("Ceph hangs", .serialized)
struct CephHangTests {
    private static let settings: [String: String?] = [
        "OPERATION_TIMEOUT": "6s", "CEPH_TIMEOUT": "2s", "ETCD_TIMEOUT": "1s", "MOUNT_WAIT": "1s",
    ]

    @Test(
        "Calls end in time and do not pile up, what needs no Ceph is answered at once, and recovery needs no restart",
        arguments: ["osd", "mon"])
    func pilesUpNothing(server: String) async throws {
        try await DisturbableRig.exclusively { rig in
            try await Stage.with(rig, settings: Self.settings) { stage in
                let mounted = try await stage.volume("mounted")
                let mountpoint = try await stage.client.mount(mounted, id: "a").checked().mountpoint
                try write("before", to: mountpoint + "/file")
                try await runTool("sync", ["--file-system", mountpoint]).checked()
                var idle: [String] = []
                for _ in 0..<3 { idle.append(try await stage.volume("idle")) }
                let (pid, volumes) = (try #require(stage.plugin.pid), idle)

                let hanging = server == "osd" ? stage.ceph.osd : stage.ceph.mon
                let new = try await hanging.disturbed(by: .pause) {
                    var new = try await Self.wave(on: stage, volumes, mounted)
                    let threads = names(in: "/proc/\(pid)/task").count
                    new += try await Self.wave(on: stage, volumes, mounted)
                    let later = names(in: "/proc/\(pid)/task").count
                    #expect(later <= threads + 8, "as many calls again, and not as many threads")
                    return new
                }

                #expect(try text(of: mountpoint + "/file") == "before")
                for name in volumes { try await Self.expectUsable(name, on: stage) }
                #expect(stage.plugin.pid == pid, "the same process")
                for name in new + volumes {
                    try await eventually("\(name) to be removed", within: .seconds(90)) {
                        let answer = try await stage.client.remove(name)
                        return answer.succeeded || answer.error.contains("no such volume")
                    }
                }
                try await stage.client.unmount(mounted, id: "a").checked()
                try await stage.client.remove(mounted).checked()
                try await stage.waitUntilUnchanged(
                    since: Surroundings(facts: []), after: "a \(server) that hung", within: .seconds(90))
            }
        }
    }

    /// Many calls at once that need Ceph, and beside them those that do not.
    ///
    /// - Returns: the volumes that may have been created.
    private static func wave(on stage: Stage, _ idle: [String], _ mounted: String) async throws -> [String] {
        let new = (0..<6).map { _ in uniqueName("new") }
        // Longer than any call may take, and shorter than two in a row.
        let patient = PluginClient(socket: stage.plugin.socket, within: .seconds(11))
        // Far less than a call may take.
        let quick = PluginClient(socket: stage.plugin.socket, within: .seconds(3))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in new { group.addTask { _ = try await patient.create(name, options: stage.options()) } }
            for name in idle {
                for id in 0..<4 { group.addTask { _ = try await patient.mount(name, id: "wave\(id)") } }
            }
            for _ in 0..<10 {
                #expect(try await quick.get(mounted).succeeded)
                #expect(try await quick.get(idle[0]).succeeded)
                #expect(try await quick.list().checked().volumes?.map(\.name).contains(mounted) == true)
                #expect(try await quick.path(mounted).succeeded)
                #expect(try await quick.capabilities().scope == "global")
                try await Task.sleep(for: .milliseconds(200))
            }
            try await group.waitForAll()
        }
        return new
    }

    /// Nobody waits for the Mounts of the waves any more: their ids are given back, as often as they may have counted.
    private static func expectUsable(_ name: String, on stage: Stage) async throws {
        try await eventually("\(name) to be mounted again", within: .seconds(90)) {
            try await stage.client.mount(name, id: "after").succeeded
        }
        for id in (0..<4).map({ "wave\($0)" }) + ["after"] {
            for _ in 0..<4 { try await stage.client.unmount(name, id: id).checked() }
        }
        #expect(stage.plugin.kernelState.mount(at: "\(stage.plugin.mountRoot)/\(name)") == nil)
    }
}
