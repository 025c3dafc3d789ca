import Rig
import Testing

/// What removed files have had, by way of the kernel's driver.
@Suite("Free space that a kernel gives back to Ceph", .serialized)
struct FreeSpaceTests {
    private static let file = 40

    @Test(
        "A trim gives back what a removed file has had, and the next host mounts the filesystem with online discards",
        arguments: ["ext4", "xfs"])
    func comesBack(filesystem: String) async throws {
        let hosts = try await Hosts.ready()
        let volume = try await Volume("trimmed", on: hosts, ["fstype": filesystem, "size": "320"])
        let mountpoint = try await volume.taken(by: hosts.a, id: "1").mountpoint
        try await fillAndRemove(at: mountpoint, on: hosts.a)
        let before = try await allocated(volume)
        let device = try await hosts.a.run("grep ' \(mountpoint) ' /proc/mounts | cut -d ' ' -f 1")
        let trimmed = try await hosts.a.run(asked(["trim", device, mountpoint, "parts"]))
        #expect(UInt64(trimmed).map { $0 >= Self.file << 20 } == true, "\(trimmed)")
        let after = try await allocated(volume)
        #expect(after + Self.file / 2 << 20 <= before, "\(before) bytes, then \(after)")
        try await hosts.a.client.unmount(volume.name, id: "1").checked()

        _ = try await hosts.b.operate("volume set \(volume.name) discard=online --no-wait")
        let again = try await volume.taken(by: hosts.b, id: "2").mountpoint
        #expect(try await hosts.b.run("grep ' \(again) ' /proc/mounts").contains(",discard"))
        try await hosts.b.client.unmount(volume.name, id: "2").checked()
        try await volume.remove()
    }

    private func fillAndRemove(at mountpoint: String, on host: Host) async throws {
        try await host.run(
            "cd \(mountpoint) && head -c \(Self.file << 20) /dev/urandom >file && sync && rm file && sync")
    }

    /// In bytes, by what Ceph says.
    private func allocated(_ volume: Volume) async throws -> Int {
        let image = "\(volume.hosts.environment.pool)/\(volume.name)"
        let said = try await volume.hosts.inNetwork(
            "rbd", "--conf", volume.hosts.environment.adminConf, "diff", "--format", "json", image)
        return try JSONValue(parsing: said.output).array.filter { $0["exists"]?.string == "true" }
            .reduce(0) { $0 + Int($1["length"]?.integer ?? 0) }
    }

    /// The script that asks the plugin's companion, as the plugin does; it goes on listening to who asks.
    private func asked(_ words: [String]) -> String {
        let count = words.count
        let words = words.flatMap { word -> [UInt8] in [UInt8](word.utf8) + [0] }
        let body = [UInt8(count)] + words
        let bytes: [UInt8] = [0, 0, UInt8(body.count >> 8), UInt8(body.count & 0xff)] + body
        let text = bytes.map { byte in
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
        return "(printf '\(text)'; sleep 5) | \"$(dirname \"$(command -v rbd-plugin)\")\"/rbd-plugin-kernel"
    }
}
