import Rig
import Testing

/// The kernel's rbd driver on two hosts, and a volume that must never be doubled, stranded or lost.
@Suite("Two kernels", .serialized)
struct TwoKernelsTests {
    @Test("A frozen host is shut out before its volume is mounted elsewhere, and wakes up harmless")
    func frozen() async throws {
        let hosts = try await Hosts.ready()
        // Without an exclusive lock: the kernel shuts out who holds one and is gone, and here nothing but the plugin may.
        let volume = try await Volume("frozen", on: hosts, ["features": "layering"])
        let first = try Writer("a", on: hosts.a, mountpoint: try await volume.taken(by: hosts.a, id: "1").mountpoint)
        try await first.writes(10)

        try await hosts.a.freeze()
        let taken = try await volume.taken(by: hosts.b, id: "2")
        tell("taken over from a frozen host", taken.after)
        let second = try Writer("b", on: hosts.b, mountpoint: taken.mountpoint)
        try await second.writes(10)

        try await hosts.a.wake()
        try await first.fails()
        try await second.writes(5)
        try await hosts.a.waitForPlugin()
        #expect(try await hosts.a.client.path(volume.name).checked().mountpoint == "")
        #expect(try await hosts.a.mappedImages() == [volume.name], "its container still has it open")
        try await first.end()
        try await hosts.a.letsGo()

        // It is usable again, for this volume too.
        try await hosts.a.client.unmount(volume.name, id: "1").checked()
        try await second.end()
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        let third = try Writer("c", on: hosts.a, mountpoint: try await volume.taken(by: hosts.a, id: "3").mountpoint)
        try await third.writes(5)
        try await third.end()
        try await hosts.a.client.unmount(volume.name, id: "3").checked()
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await volume.expectRecords([
            first.acknowledged(unheard: 1), second.acknowledged(unheard: 1), third.acknowledged(unheard: 1),
        ])
        try await volume.remove()
    }

    @Test("A host that is powered off loses its volume to another one, with all that was safe on it")
    func poweredOff() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("off", on: hosts)
        let first = try Writer("a", on: hosts.a, mountpoint: try await volume.taken(by: hosts.a, id: "1").mountpoint)
        try await first.writes(10)

        try await hosts.a.powerOff()
        let taken = try await volume.taken(by: hosts.b, id: "2")
        tell("taken over from a host without power", taken.after)
        try await first.abandon()
        let second = try Writer("b", on: hosts.b, mountpoint: taken.mountpoint)
        try await second.writes(5)

        try await hosts.a.powerOn()
        try await hosts.a.waitForPlugin()
        try await second.writes(5)
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await second.end()
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        // Words of the last records may have been on their way when the power went.
        try await volume.expectRecords([first.acknowledged(unheard: 10), second.acknowledged(unheard: 1)])
        try await volume.remove()
    }

    @Test("A host that was powered off and on again clears up what it had, and has its volume back")
    func rebooted() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("reboot", on: hosts)
        let first = try Writer("a", on: hosts.a, mountpoint: try await volume.taken(by: hosts.a, id: "1").mountpoint)
        try await first.writes(5)
        try await hosts.a.powerOff()
        try await first.abandon()
        try await hosts.a.powerOn()
        try await hosts.a.waitForPlugin()
        let back = try await volume.taken(by: hosts.a, id: "2")
        tell("mounted again after a reboot", back.after)
        let second = try Writer("b", on: hosts.a, mountpoint: back.mountpoint)
        try await second.writes(5)
        try await second.end()
        try await hosts.a.client.unmount(volume.name, id: "2").checked()
        try await volume.expectRecords([first.acknowledged(unheard: 10), second.acknowledged(unheard: 1)])
        try await volume.remove()
    }

    @Test("A host that is cut off from etcd goes on writing until another one asks for its volume, and then cannot")
    func cutFromEtcd() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("no-etcd", on: hosts)
        let first = try Writer("a", on: hosts.a, mountpoint: try await volume.taken(by: hosts.a, id: "1").mountpoint)
        try await first.writes(5)

        try await hosts.a.cut(from: .etcd)
        try await hosts.isNotHeardOf(hosts.a)
        try await first.writes(10)
        #expect(first.failures.isEmpty, "nobody has asked for the volume, and its writes fail: \(first.failures)")
        #expect(try await hosts.a.client.get(volume.name).checked().volume?.name == volume.name)

        let taken = try await volume.taken(by: hosts.b, id: "2")
        tell("taken over from a host cut off from etcd", taken.after)
        try await first.fails()
        let second = try Writer("b", on: hosts.b, mountpoint: taken.mountpoint)
        try await second.writes(5)

        try await hosts.a.reconnect(to: .etcd)
        try await first.end()
        try await hosts.a.letsGo()
        try await second.writes(5)
        try await second.end()
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        try await volume.expectRecords([first.acknowledged(unheard: 1), second.acknowledged(unheard: 1)])
        try await volume.remove()
    }

    @Test("A host that is cut off from Ceph keeps its volume, answers meanwhile, and goes on afterwards")
    func cutFromCeph() async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("no-ceph", on: hosts)
        let mountpoint = try await volume.taken(by: hosts.a, id: "1").mountpoint
        let mounted = ContinuousClock.now
        let first = try Writer("a", on: hosts.a, mountpoint: mountpoint)
        try await first.writes(5)

        try await hosts.a.cut(from: .ceph)
        let before = first.safe.count
        #expect(try await hosts.a.client.list().checked().volumes?.map(\.name) == [volume.name])
        #expect(try await hosts.a.client.get(volume.name).checked().volume?.name == volume.name)
        // In its first minute a mount is left alone, and after that its owner cannot tell whether it is in use.
        let early = try await hosts.b.client.mount(volume.name, id: "2")
        #expect(early.error.contains("node a"), "\(early.error)")
        #expect(first.safe.count <= before + 1, "without Ceph nothing can be safe")
        try await Task.sleep(until: mounted + .seconds(65))
        let late = try await hosts.b.client.mount(volume.name, id: "2")
        #expect(late.error.contains("node a"), "\(late.error)")
        #expect(try await hosts.a.run("grep -c ' \(mountpoint) ' /proc/mounts") == "1", "it must not be taken away")
        #expect(try await hosts.a.client.list().checked().volumes?.map(\.name) == [volume.name])

        try await hosts.a.reconnect(to: .ceph)
        try await first.writes(10, within: .seconds(150))
        #expect(first.failures.isEmpty, "a disk that is away for a while is waited for: \(first.failures)")

        // Its daemon dies, the container with it, and nobody sends an Unmount.
        try await first.end()
        let taken = try await volume.taken(by: hosts.b, id: "2")
        tell("handed over by a host that had it for nobody", taken.after)
        let second = try Writer("b", on: hosts.b, mountpoint: taken.mountpoint)
        try await second.writes(5)
        try await second.end()
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await volume.expectRecords([first.acknowledged(unheard: 1), second.acknowledged(unheard: 1)])
        try await volume.remove()
    }

    @Test("A volume goes from one host to the other and back while both are alive", arguments: ["ext4", "xfs"])
    func handOver(filesystem: String) async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("moves", on: hosts, ["fstype": filesystem, "size": "320"])
        let mountpoint = try await volume.taken(by: hosts.a, id: "1").mountpoint
        try await hosts.a.run("echo from a >\(mountpoint)/file")
        // As in a rolling update: the new container is started while the old one stops.
        async let waiting = volume.taken(by: hosts.b, id: "2")
        try await hosts.a.client.unmount(volume.name, id: "1").checked()
        let taken = try await waiting
        tell("handed over with \(filesystem)", taken.after)
        #expect(
            try await hosts.b.run("cat \(taken.mountpoint)/file; echo from b >>\(taken.mountpoint)/file") == "from a")
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        let back = try await volume.taken(by: hosts.a, id: "3").mountpoint
        #expect(try await hosts.a.run("cat \(back)/file") == "from a\nfrom b")
        try await hosts.a.client.unmount(volume.name, id: "3").checked()
        try await volume.remove()
    }

    @Test("A volume grows while a container writes to it", arguments: ["ext4", "xfs"])
    func grows(filesystem: String) async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("grows", on: hosts, ["fstype": filesystem, "size": "320"])
        let mountpoint = try await volume.taken(by: hosts.a, id: "1").mountpoint
        let writer = try Writer("a", on: hosts.a, mountpoint: mountpoint)
        try await writer.writes(5)
        // By way of the other host: whoever has the volume does it.
        let said = try await hosts.b.operate("volume resize \(volume.name) 640M --timeout 90", within: .seconds(120))
        #expect(said.contains("has 640M now"), "\(said)")
        try await writer.writes(5)
        let blocks = try await hosts.a.run("stat -f -c %b:%S \(mountpoint)").split(separator: ":").compactMap {
            UInt64($0)
        }
        #expect(blocks.reduce(1, *) >> 20 > 500, "\(blocks)")
        try await writer.end()
        try await hosts.a.client.unmount(volume.name, id: "1").checked()
        if filesystem == "ext4" {
            try await volume.expectRecords([writer.acknowledged(unheard: 1)])
        } else {
            let there = try await volume.taken(by: hosts.b, id: "2").mountpoint
            let records = Int(try await hosts.b.run("wc -l <\(there)/records")) ?? 0
            #expect(records >= 10, "each acknowledged record is there on the other host")
            try await hosts.b.client.unmount(volume.name, id: "2").checked()
        }
        try await volume.remove()
    }

    @Test("A feature that the kernel does not know is named, before an image is made and before one is mapped")
    func unknownFeature() async throws {
        let hosts = try await Hosts.ready()
        let supported = try await hosts.a.run("cat /sys/bus/rbd/supported_features").dropFirst(2)
        try #require(Int(supported, radix: 16).map { $0 & 0x40 } == 0, "this kernel knows journaling: \(supported)")
        let options = ["pool": hosts.environment.pool, "size": "64", "features": "layering,exclusive-lock,journaling"]
        let refused = try await hosts.a.client.create("journaled", options: options)
        #expect(refused.error.contains("journaling") && refused.error.contains("features="), "\(refused.error)")

        let volume = try await Volume("feature", on: hosts)
        try await volume.feature("enable", "journaling")
        let mount = try await hosts.a.client.mount(volume.name, id: "1")
        #expect(mount.error.contains("rbd feature disable") && mount.error.contains("journaling"), "\(mount.error)")
        #expect(try await hosts.a.mappedImages().isEmpty)
        try await volume.feature("disable", "journaling")
        try await hosts.a.client.mount(volume.name, id: "1").checked()
        try await hosts.a.client.unmount(volume.name, id: "1").checked()
        try await volume.remove()
    }

    /// For whoever wants to know how long it takes; nothing depends on it.
    private func tell(_ what: String, _ time: Duration) {
        print("virtual machines: \(what) in \(time.formatted)")
    }
}

extension Hosts {
    /// Waits until etcd has forgotten that host's heartbeat.
    func isNotHeardOf(_ host: Host) async throws {
        let key = "docker/volume/rbd/nodes/\(host.name)"
        try await eventually("host \(host.name) to be taken for dead", within: .seconds(90)) {
            let endpoints = environment.etcdEndpoints.joined(separator: ",")
            return try await inNetwork("etcdctl", "--endpoints", endpoints, "get", "--keys-only", key)
                .output.trimmed.isEmpty
        }
    }
}

extension Host {
    /// Waits until its kernel has nothing mapped any more.
    func letsGo() async throws {
        try await eventually("host \(name) to let go of what it has lost", within: .seconds(120)) {
            try await mappedImages().isEmpty
        }
    }
}

extension Duration {
    /// In seconds, to a tenth.
    fileprivate var formatted: String {
        let tenths = Int(self / .milliseconds(100))
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
