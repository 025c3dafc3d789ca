import Rig
import Testing

/// Clones and frozen snapshots, by way of the kernel's rbd driver.
@Suite("Clones on the kernel's driver", .serialized)
struct KernelCloneTests {
    @Test(
        "What one host writes to is cloned by another, and both are mounted on one host", arguments: ["ext4", "xfs"])
    func besideTheParent(filesystem: String) async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("parent", on: hosts, ["fstype": filesystem, "size": "320"])
        let mountpoint = try await volume.taken(by: hosts.a, id: "1").mountpoint
        try await hosts.a.run("echo then >\(mountpoint)/file && sync \(mountpoint)/file")
        let said = try await hosts.b.operate("snapshot create \(volume.name) s")
        #expect(said.contains("frozen"), "\(said)")
        try await hosts.a.run("echo now >\(mountpoint)/file && sync \(mountpoint)/file")

        for (options, content) in [(["from-snapshot": "s"], "then"), ([:], "now")] {
            let clone = uniqueName("clone")
            try await hosts.b.client.create(clone, options: options.merging(["from": volume.name]) { $1 }).checked()
            let there = try await hosts.a.client.mount(clone, id: "2").checked().mountpoint
            #expect(try await hosts.a.run("cat \(there)/file") == content)
            #expect(try await hosts.a.run("grep ' \(there) ' /proc/mounts").hasPrefix("/dev/rbd"))
            #expect(try await hosts.a.run("echo own >\(there)/file && cat \(mountpoint)/file") == "now")
            try await hosts.a.client.unmount(clone, id: "2").checked()
            try await hosts.b.client.remove(clone).checked()
        }

        try await hosts.a.client.unmount(volume.name, id: "1").checked()
        _ = try await hosts.b.operate("snapshot rm \(volume.name) s")
        try await eventually("the clones to have left the trash", within: .seconds(90)) {
            try await hosts.b.client.remove(volume.name).succeeded
        }
    }
}
