import FoundationEssentials
import Rig
import Testing

/// People map images by hand and rename them; a volume gets the name afterwards.
@Suite("A device that a person has mapped under the volume's name", .serialized)
struct HandMappedDeviceTests {
    @Test("A2: the kernel's device of an image that was renamed since is not the volume's, and stays")
    func a2ARenamedImagesDeviceIsNotMounted() async throws {
        let hosts = try await Hosts.ready()
        let (host, conf) = (hosts.a, hosts.environment.adminConf)
        let volume = try await Volume("named", on: hosts)
        let image = "\(hosts.environment.pool)/\(volume.name)"
        let theirs = try await host.run(
            "rbd --conf /run/rbd-plugin/ceph/*.conf --id docker device map --options noudev \(image)")
        // From now on it is an image like any other, and another one gets the name.
        try await host.run("set -a; . /rig/settings; NODE_NAME=hand rbd-plugin volume forget --yes \(volume.name)")
        try await hosts.inNetwork("rbd", "--conf", conf, "mv", image, image + ".old")
        try await host.client.create(volume.name, options: ["pool": hosts.environment.pool, "size": "64"]).checked()

        let mountpoint = try await volume.taken(by: host, id: "1").mountpoint
        let device = try await host.run("grep ' \(mountpoint) ' /proc/mounts | cut -d ' ' -f 1")
        #expect(device.hasPrefix("/dev/rbd") && device != theirs)
        let id = try await host.run("cat /sys/bus/rbd/devices/\(device.dropFirst("/dev/rbd".count))/image_id")
        let info = try await hosts.inNetwork("rbd", "--conf", conf, "info", image).output
        #expect(info.contains("id: \(id)\n"), "\(id) is not in \(info)")
        try await host.run("echo mine >\(mountpoint)/file; sync")
        try await host.client.unmount(volume.name, id: "1").checked()
        #expect(try await host.mappedImages() == [volume.name], "what people have mapped is left to them")

        let elsewhere = try await volume.taken(by: hosts.b, id: "2").mountpoint
        #expect(try await hosts.b.run("cat \(elsewhere)/file") == "mine")
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        try await host.run("rbd --conf /run/rbd-plugin/ceph/*.conf --id docker device unmap --options noudev \(theirs)")
        try await volume.remove()
        try await hosts.inNetwork("rbd", "--conf", conf, "rm", "--no-progress", image + ".old")
    }
}
