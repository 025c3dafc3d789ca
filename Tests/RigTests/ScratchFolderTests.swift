import FoundationEssentials
import Rig
import Testing

/// What a test leaves in the kernel is seen, and taken back.
struct ScratchFolderTests {
    @Test("An export, a loop device and a mount with a blank in its path are seen, and swept")
    func sweeps() async throws {
        let rig = try RigEnvironment.required()
        let ceph = CephRig(rig)
        let scratch = try ScratchFolder("sweep", of: rig)
        let image = uniqueName("image")
        let (export, mountpoint) = (scratch.path + "/export", scratch.path + "/a mount")
        try await ceph.rbd("create", "--size", "64M", "rbd/\(image)")
        #expect(scratch.kernelState.isEmpty)

        #expect(FileManager.default.createFile(atPath: export, contents: nil))
        try FileManager.default.createDirectory(atPath: mountpoint, withIntermediateDirectories: false)
        try await runTool(
            "qemu-storage-daemon",
            [
                "--daemonize", "--pidfile", scratch.path + "/pid",
                "--blockdev",
                "driver=rbd,node-name=n0,pool=rbd,image=\(image),conf=\(rig.cephConf),user=\(rig.cephUser),cache.direct=on",
                "--export", "type=fuse,id=e0,node-name=n0,mountpoint=\(export),writable=on",
            ]
        ).checked()
        let device = try await runTool("losetup", ["--find", "--show", export]).checked().output
            .split(separator: "\n").joined()
        try await runTool("mkfs.ext4", ["-q", device]).checked()
        try await runTool("mount", [device, mountpoint]).checked()

        let state = scratch.kernelState
        #expect(state.mount(at: mountpoint)?.type == "ext4")
        #expect(state.mount(at: mountpoint)?.source == device)
        #expect(state.loopDevices == [.init(device: device, backingFile: export)])
        #expect(state.exports.count == 1)
        #expect(try await ceph.watchers(of: image, in: "rbd").count == 1)

        try await scratch.sweep()
        #expect(scratch.kernelState.isEmpty, "left: \(scratch.kernelState)")
        #expect(!FileManager.default.fileExists(atPath: scratch.path))
        try await ceph.removeImage(image, in: "rbd")
    }

    @Test("Nothing outside the rig's scratch folder is ever swept", arguments: ["/", "/tmp", "/tmp/.."])
    func refusesForeignFolders(folder: String) async throws {
        let rig = try RigEnvironment.required()
        let result = try await runTool(rig.scripts + "/sweep", [folder])
        #expect(!result.succeeded)
        #expect(result.error.contains("not a test's to sweep"))
    }
}
