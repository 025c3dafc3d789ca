import Glibc
import Rig
import Testing

/// Volumes that grow by themselves, with the mapper of this machine.
@Suite("Volumes grow by themselves")
struct FullVolumeTests {
    @Test("A volume that containers fill becomes larger by itself, up to its bound, and says so in log and metrics")
    func grows() async throws {
        try await Stage.with { stage in
            let name = try await stage.volume("fills", ["fstype": "xfs", "size": "300M"])
            _ = try await stage.operate(
                "volume", "set", name, "autogrow.at=70%", "autogrow.by=50%", "autogrow.max=450M", "--no-wait"
            ).checked()
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            let before = try usage(at: mountpoint)
            // More than 70 % of what there is, and less than 70 % of what there will be.
            try fill(mountpoint + "/data", (before.total * 80 / 100) - before.used)
            try await eventually("the volume to grow") { try await stage.imageSize(of: name) == 450 << 20 }
            try await eventually("its filesystem to grow") { try usage(at: mountpoint).total > before.total * 3 / 2 }
            try await eventually("the record to say so") {
                try await stage.record(of: name)?["spec"]?["size"] == .integer(450 << 20)
            }
            #expect(try await stage.etcd.keys(stage.prefix + "desired/").isEmpty)
            #expect(try await stage.record(of: name)?["grownAt"]?.string != nil)
            #expect(
                try await stage.client.fetch("/metrics").text.contains(
                    #"rbd_plugin_autogrow_total{outcome="grown"} 1"#))

            let full = try usage(at: mountpoint)
            try fill(mountpoint + "/more", (full.total * 80 / 100) - full.used)
            try await eventually("the plugin to say that it is as large as it may become") {
                try await stage.client.fetch("/metrics").text.contains(
                    #"rbd_plugin_autogrow_total{outcome="at-maximum"} 1"#)
            }
            #expect(try await stage.imageSize(of: name) == 450 << 20)
            try await eventually("inspect to say why it does not grow") {
                try await stage.client.get(name).checked().volume?.status["autogrowFailed"]
                    == "it is as large as autogrow.max lets it become"
            }
            let shown = try await stage.operate("volume", "get", name).checked().output
            #expect(shown.contains("nearly full and does not become larger by itself: it is as large as"), "\(shown)")
            try await stage.operate("volume", "set", name, "autogrow.at=off").checked()
            try await eventually("that to go when the volume is not to grow any more") {
                try await stage.client.get(name).checked().volume?.status["autogrowFailed"] == nil
            }
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.expectSoundFilesystem(name, after: "growing by itself")
        }
    }

    private func usage(at mountpoint: String) throws -> (total: UInt64, used: UInt64) {
        var found = statvfs()
        guard statvfs(mountpoint, &found) == 0 else { throw RigFailure("cannot look at \(mountpoint)") }
        let block = UInt64(found.f_frsize)
        return (UInt64(found.f_blocks) * block, UInt64(found.f_blocks - found.f_bfree) * block)
    }

    /// Takes up that many bytes without writing them.
    private func fill(_ path: String, _ bytes: UInt64) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw RigFailure("cannot open \(path)") }
        defer { close(file) }
        guard posix_fallocate(file, 0, Int(bytes)) == 0 else { throw RigFailure("cannot fill \(path)") }
    }
}

extension Stage {
    /// In bytes, as Ceph says it.
    fileprivate func imageSize(of volume: String) async throws -> Int64? {
        try await imageInfo(of: volume)["size"]?.integer
    }
}
