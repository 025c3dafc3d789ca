import Rig
import Testing

/// What the plugin asks of the kernel's rbd driver, and what it makes of its answers.
@Suite("The kernel's rbd bus", .serialized)
struct KernelBusTests {
    @Test("Each mapping is a client of its own, also in a namespace, and its key stays nowhere")
    func map() async throws {
        let hosts = try await Hosts.ready()
        let space = uniqueName("ns")
        let pool = hosts.environment.pool
        try await hosts.inNetwork(
            "rbd", "--conf", hosts.environment.adminConf, "namespace", "create", "\(pool)/\(space)")
        let plain = try await Volume("bus", on: hosts)
        let special = try await Volume(
            "bus", on: hosts, ["namespace": space, "map-options": "queue_depth=64,alloc_size=65536"])
        async let first = plain.taken(by: hosts.a, id: "1")
        async let second = special.taken(by: hosts.a, id: "2")
        _ = try await (first, second)

        let devices = try await hosts.a.run(
            "cd /sys/bus/rbd/devices && for d in *; do echo $(cat $d/name) $(cat $d/pool_ns), $(cat $d/config_info); done"
        )
        let lines = devices.lines
        #expect(lines.count == 2)
        #expect(lines.contains { $0.hasPrefix("\(plain.name) ,") && $0.contains(",noshare,key=") }, "\(devices)")
        #expect(
            lines.contains {
                $0.hasPrefix("\(special.name) \(space),")
                    && $0.contains("_pool_ns=\(space),noshare,queue_depth=64,alloc_size=65536,key=")
            }, "\(devices)")
        let clients = try await hosts.a.run("cat /sys/bus/rbd/devices/*/client_addr")
        #expect(Set(clients.lines).count == 2)
        #expect(!devices.contains(try Text.ofFile(hosts.environment.cephKeyFile).trimmed))
        #expect(try await hosts.a.run("grep -c 'ceph *rbd-plugin' /proc/keys || true") == "0")

        for (volume, id) in [(plain, "1"), (special, "2")] {
            try await hosts.a.client.unmount(volume.name, id: id).checked()
            try await volume.remove()
        }
        #expect(try await hosts.a.mappedImages().isEmpty)
        // The data of the removed volume is deleted in the background.
        try await eventually("the namespace to be empty", within: .seconds(60)) {
            do {
                try await hosts.inNetwork(
                    "rbd", "--conf", hosts.environment.adminConf, "namespace", "remove", "\(pool)/\(space)")
                return true
            } catch {
                return false
            }
        }
    }

    @Test("Monitors that listen for the second protocol only are reached without anybody's having said so")
    func secondProtocol() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("bus", on: hosts)
        try await hosts.withSecondProtocolOnly {
            #expect(try await requestOfMapping(volume, hosts.a).contains(",noshare,ms_mode=prefer-crc,key="))
            // As Ceph's manual has it for clusters that encrypt what goes over the network.
            try await hosts.withCephOption("client", "ms_client_mode", "secure") {
                try await eventually("the plugin to hear of it, and to have the kernel encrypt as well") {
                    try await requestOfMapping(volume, hosts.a).contains(",noshare,ms_mode=secure,key=")
                }
            }
        }
        try await volume.remove()
    }

    /// Mounts the volume, writes to it, and unmounts it.
    /// - Returns: what the kernel was asked.
    private func requestOfMapping(_ volume: Volume, _ host: Host) async throws -> String {
        let mountpoint = try await volume.taken(by: host, id: "1").mountpoint
        let request = try await host.run("echo ok >\(mountpoint)/file; sync; cat /sys/bus/rbd/devices/*/config_info")
        try await host.client.unmount(volume.name, id: "1").checked()
        #expect(try await host.mappedImages().isEmpty)
        return request
    }

    @Test("What the kernel refuses is told in words, and leaves nothing mapped")
    func refused() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("bus", on: hosts, ["map-options": "queue_depth=0"])
        let answer = try await hosts.a.client.mount(volume.name, id: "1")
        #expect(answer.error.contains("Invalid argument; check the map options"), "\(answer)")
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await volume.remove()
    }

    @Test("A device that somebody has open is busy, and goes once it is let go")
    func busy() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("bus", on: hosts)
        _ = try await volume.taken(by: hosts.a, id: "1")
        try await hosts.a.run("sleep 1000 </dev/rbd0 >/dev/null 2>&1 & echo $! >/tmp/holder")
        let answer = try await hosts.a.client.unmount(volume.name, id: "1")
        #expect(answer.error.contains("is mounted or open"), "\(answer)")
        #expect(try await hosts.a.mappedImages() == [volume.name])
        try await hosts.a.run("kill $(cat /tmp/holder)")
        try await hosts.a.client.unmount(volume.name, id: "1").checked()
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await volume.remove()
    }
}
