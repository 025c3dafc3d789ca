import Glibc
import Rig
import Testing

/// A node that sleeps (SIGSTOP), loses its volume to another one meanwhile, and wakes.
@Suite("Frozen nodes")
struct FrozenNodeTests {
    private static let settings: [String: String?] = ["NODE_TTL": "5s", "ETCD_TIMEOUT": "2s"]

    @Test(
        "The volume of a frozen plugin is taken over; the old mount's writes fail, also one that was under way",
        arguments: [false, true])
    func takenOverAsleep(withDataPath: Bool) async throws {
        try await Stage.with(settings: Self.settings) { stage in
            let (client, name) = (stage.client, try await stage.volume("asleep"))
            let here = try await client.mount(name, id: "a").checked().mountpoint
            try write("from before", to: here + "/file")
            try await runTool("sync", ["--file-system", here]).checked()
            let daemons = withDataPath ? stage.plugin.kernelState.exports.map(\.pid) : []
            try await stage.withAnotherNode(settings: Self.settings) { _, other in
                try await stage.plugin.pause()
                for daemon in daemons { kill(daemon, SIGSTOP) }
                do {
                    let late = try SpawnedProcess(
                        "/bin/dd", ["if=/dev/zero", "of=\(here)/late", "bs=4k", "count=1", "conv=fsync"],
                        environment: [:], log: stage.plugin.scratch.path + "/dd.log")
                    if !withDataPath { try await Self.expectSuccess(of: late) }
                    let there = try await Self.takeOver(name, by: other)
                    #expect(try text(of: there + "/file") == "from before")
                    #expect(exists(there + "/late") == !withDataPath)
                    try write("from the new owner", to: there + "/file")

                    for daemon in daemons { kill(daemon, SIGCONT) }
                    if withDataPath { #expect(try await late.waitForEnd() != .exited(0), "the late write") }
                    try await Self.expectShutOut(here)
                    stage.plugin.resume()
                    try await eventually("the woken plugin to let go") { stage.plugin.kernelState.isEmpty }
                    #expect(try await client.path(name).checked().mountpoint == "")
                    try await client.unmount(name, id: "a").checked()
                    #expect(try text(of: there + "/file") == "from the new owner")
                    #expect(names(in: there) == (withDataPath ? ["file"] : ["file", "late"]))
                    try await Self.expectUsable(stage)
                    try await other.unmount(name, id: "b").checked()
                    try await stage.expectSoundFilesystem(name, after: "a take-over from a frozen node")
                    let back = try await client.mount(name, id: "c").checked().mountpoint
                    #expect(try text(of: back + "/file") == "from the new owner")
                } catch {
                    for daemon in daemons { kill(daemon, SIGCONT) }
                    throw error
                }
            }
        }
    }

    /// Nothing was heard of the old owner for `NODE_TTL`, and not earlier.
    private static func takeOver(_ name: String, by client: PluginClient) async throws -> String {
        var mountpoint = ""
        try await eventually("the volume to be taken over", within: .seconds(60)) {
            let answer = try await client.mount(name, id: "b")
            mountpoint = answer.mountpoint
            return answer.succeeded
        }
        return mountpoint
    }

    /// As long as it was only suspected, its containers could go on writing.
    private static func expectSuccess(of process: SpawnedProcess) async throws {
        #expect(try await process.waitForEnd() == .exited(0), "a write before the take-over")
    }

    private static func expectShutOut(_ mountpoint: String) async throws {
        let later = try await runTool(
            "dd", ["if=/dev/zero", "of=\(mountpoint)/later", "bs=4k", "count=1", "conv=fsync"])
        #expect(!later.succeeded, "a write after the take-over")
    }

    private static func expectUsable(_ stage: Stage) async throws {
        let name = try await stage.volume("usable")
        let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
        try write("works", to: mountpoint + "/file")
        try await stage.client.unmount(name, id: "a").checked()
        try await stage.client.remove(name).checked()
    }

    @Test("A volume whose daemon is frozen holds up only the calls for itself, and those end in time")
    func frozenDataPath() async throws {
        try await Stage.with(settings: [
            "OPERATION_TIMEOUT": "8s", "CEPH_TIMEOUT": "3s", "ETCD_TIMEOUT": "2s", "MOUNT_WAIT": "2s",
        ]) { stage in
            let (client, name) = (stage.client, try await stage.volume("stuck"))
            let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
            try write("before", to: mountpoint + "/file")
            let daemons = stage.plugin.kernelState.exports.map(\.pid)
            for daemon in daemons { kill(daemon, SIGSTOP) }
            do {
                async let unmounted = client.unmount(name, id: "a")
                try await Self.expectUsable(stage)
                #expect(try await client.get(name).succeeded)
                #expect(try await client.list().checked().volumes?.map(\.name) == [name])
                #expect(try await !unmounted.error.isEmpty)
            } catch {
                for daemon in daemons { kill(daemon, SIGCONT) }
                throw error
            }
            for daemon in daemons { kill(daemon, SIGCONT) }
            try await eventually("the volume to be let go", within: .seconds(60)) {
                let answer = try await client.unmount(name, id: "a")
                return answer.succeeded && stage.plugin.kernelState.isEmpty
            }
            try await client.mount(name, id: "b").checked()
            #expect(try text(of: mountpoint + "/file") == "before")
        }
    }
}
