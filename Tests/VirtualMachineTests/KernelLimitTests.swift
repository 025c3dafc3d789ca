import Rig
import Testing

/// Limits of reads and writes, by cgroup v2 and the kernel's rbd driver. A container is a process in a group below another one.
@Suite("Limits of a volume", .serialized)
struct KernelLimitTests {
    @Test("A container reads and writes no faster than the limits, and they change while it writes")
    func limits() async throws {
        let hosts = try await Hosts.ready()
        let host = hosts.a
        try await host.run(Self.makeGroups)
        let volume = try await Volume("limited", on: hosts)
        _ = try await host.operate("volume set \(volume.name) write-bps=1M read-iops=50")
        let mountpoint = try await volume.taken(by: host, id: "1").mountpoint
        let number = try await host.run("cat /sys/block/rbd0/dev")
        #expect(
            try await host.run("cat /sys/fs/cgroup/docker/io.max")
                == "\(number) rbps=max wbps=1048576 riops=50 wiops=max")

        // A limit is an upper bound: nothing is said of how long it takes at most.
        let direct = try await seconds(host, "dd if=/dev/zero of=\(mountpoint)/f bs=256k count=32 oflag=direct")
        #expect(direct > 6, "8 MiB were written past the page cache in \(direct) s")
        let buffered = try await seconds(host, "dd if=/dev/zero of=\(mountpoint)/g bs=256k count=32 conv=fsync")
        #expect(buffered > 6, "8 MiB were written through the page cache in \(buffered) s")
        let reads = try await seconds(host, "dd if=\(mountpoint)/f of=/dev/null bs=4k count=300 iflag=direct")
        #expect(reads > 4, "300 reads took \(reads) s")

        // So slow that the writing would take eight minutes.
        _ = try await host.operate("volume set \(volume.name) write-bps=64K")
        let writing = "dd if=/dev/zero of=\(mountpoint)/f bs=256k count=128 oflag=direct conv=notrunc"
        try await host.run("(\(Self.joinGroup); exec \(writing)) >/dev/null 2>&1 & echo $! >/tmp/writer")
        try await host.run("mkdir /sys/fs/cgroup/later.slice; kill -0 $(cat /tmp/writer)")
        _ = try await host.operate("volume set \(volume.name) write-bps=none read-iops=40")
        try await eventually("the writing to end once its limit is gone", within: .seconds(60)) {
            try await host.run("kill -0 $(cat /tmp/writer) 2>/dev/null || echo ended") == "ended"
        }
        for group in ["docker", "later.slice"] {
            #expect(
                try await host.run("cat /sys/fs/cgroup/\(group)/io.max")
                    == "\(number) rbps=max wbps=max riops=40 wiops=max")
        }

        try await host.client.unmount(volume.name, id: "1").checked()
        try await host.run("rmdir /sys/fs/cgroup/later.slice")
        try await volume.remove()
    }

    private static let makeGroups = """
        grep -q " /sys/fs/cgroup cgroup2 " /proc/mounts || mount -t cgroup2 none /sys/fs/cgroup
        cd /sys/fs/cgroup
        echo +io +memory >cgroup.subtree_control
        mkdir -p docker
        echo +io +memory >docker/cgroup.subtree_control
        mkdir -p docker/c1
        """

    private static let joinGroup = "sh -c 'echo $PPID' >/sys/fs/cgroup/docker/c1/cgroup.procs"

    /// How long a command takes in the container's group, by the guest's clock.
    private func seconds(_ host: Host, _ command: String) async throws -> Double {
        let script = """
            cut -d ' ' -f 1 /proc/uptime
            (\(Self.joinGroup); exec \(command)) >/dev/null 2>&1
            cut -d ' ' -f 1 /proc/uptime
            """
        let moments = try await host.run(script, within: .seconds(110)).lines.compactMap { Double($0) }
        return try #require(moments.last) - #require(moments.first)
    }
}
