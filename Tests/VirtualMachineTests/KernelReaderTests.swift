import Rig
import Testing

/// Volumes that many nodes read, by way of the kernel's rbd driver, on two kernels.
@Suite("Shared volumes on the kernel's driver", .serialized)
struct KernelReaderTests {
    @Test(
        "Two hosts have what a snapshot holds mounted at once, without a watch or a lock; the device takes no write, and a Remove is refused by name",
        arguments: ["ext4", "xfs"])
    func twoKernels(filesystem: String) async throws {
        let hosts = try await Hosts.ready()
        let parent = try await Volume("parent", on: hosts, ["fstype": filesystem, "size": "320"])
        let own = try await parent.taken(by: hosts.a, id: "1").mountpoint
        try await hosts.a.run("echo then >\(own)/file && sync \(own)/file")
        _ = try await hosts.b.operate("snapshot create \(parent.name) s")
        try await hosts.a.run("echo now >\(own)/file && sync \(own)/file")

        let audit = try await Volume(
            "audit", on: hosts, ["from": parent.name, "from-snapshot": "s", "access": "read-only", "size": "320"])
        var mountpoints: [String] = []
        for host in [hosts.a, hosts.b] {
            let there = try await audit.taken(by: host, id: "2").mountpoint
            mountpoints.append(there)
            #expect(try await host.run("cat \(there)/file") == "then")
        }
        for (host, there) in zip([hosts.a, hosts.b], mountpoints) {
            let device = try await host.run("grep ' \(there) ' /proc/mounts | cut -d ' ' -f 1")
            #expect(device.hasPrefix("/dev/rbd") && !device.contains("\n"), "\(device)")
            // Root may ask the kernel to let it write, and need not be refused: the disk is read-only all the same.
            _ = try await host.run("/usr/sbin/blockdev --setrw \(device) || true")
            #expect(try await host.run("/usr/sbin/blockdev --getro \(device)") == "1")
            for attempt in [
                "touch \(there)/other", "dd if=/dev/zero of=\(device) bs=4096 count=1 oflag=direct conv=notrunc",
                "mount -o remount,rw \(there)",
            ] {
                let said = try await host.run("{ \(attempt); } 2>&1 && echo done || echo refused")
                #expect(said.lines.last == "refused", "\(attempt): \(said)")
            }
        }
        // So nothing but the record keeps the image.
        #expect(try await audit.watchers() == [])
        try await hosts.b.client.unmount(audit.name, id: "2").checked()
        #expect(try await hosts.b.client.remove(audit.name).error.contains("node a has had it mounted"))
        #expect(try await hosts.a.run("cat \(mountpoints[0])/file") == "then")
        try await hosts.a.client.unmount(audit.name, id: "2").checked()
        try await audit.remove()

        try await hosts.a.client.unmount(parent.name, id: "1").checked()
        _ = try await hosts.b.operate("snapshot rm \(parent.name) s")
        try await eventually("the clone to have left the trash", within: .seconds(90)) {
            try await hosts.b.client.remove(parent.name).succeeded
        }
    }

    @Test("A host that dies while it reads keeps nobody from mounting, and comes back to nothing")
    func deadReader() async throws {
        let hosts = try await Hosts.ready()
        let parent = try await Volume("parent", on: hosts)
        let audit = try await Volume("audit", on: hosts, ["from": parent.name, "access": "read-only"])
        _ = try await audit.taken(by: hosts.a, id: "1")
        try await hosts.a.powerOff()
        _ = try await audit.taken(by: hosts.b, id: "2")
        try await hosts.b.client.unmount(audit.name, id: "2").checked()
        try await hosts.a.powerOn()
        try await hosts.a.waitForPlugin()
        #expect(try await hosts.a.mappedImages() == [])
        try await eventually("host a to have cleared what its earlier boot has recorded", within: .seconds(60)) {
            try await hosts.b.client.remove(audit.name).succeeded
        }
        try await eventually("the clone to have left the trash", within: .seconds(90)) {
            try await hosts.b.client.remove(parent.name).succeeded
        }
    }
}
