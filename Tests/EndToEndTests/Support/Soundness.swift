import FoundationEssentials
import Rig
import Testing

extension Stage {
    /// The filesystem in a snapshot has neither errors nor a journal to replay. It is an ext4.
    func expectWhole(
        _ volume: String, _ snapshot: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let copy = "\(plugin.scratch.path)/\(uniqueName("copy"))"
        try await ceph.rbd("export", "--no-progress", "\(image(volume))@\(snapshot)", copy)
        let checked = try await runTool("e2fsck", ["-fn", copy])
        #expect(checked.status == 0, "\(checked)", sourceLocation: sourceLocation)
        let head = try await runTool("dumpe2fs", ["-h", copy]).checked().output
        #expect(!head.contains("needs_recovery"), sourceLocation: sourceLocation)
        try FileManager.default.removeItem(atPath: copy)
    }

    /// What the filesystem's own checker says of a volume, which is mounted nowhere. It looks at a copy and mends nothing.
    func expectSoundFilesystem(
        _ volume: String, after occasion: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let copy = "\(plugin.scratch.path)/\(uniqueName("copy"))"
        try await ceph.rbd("export", "--no-progress", image(volume), copy)
        let checkers = [
            "ext4": ["e2fsck", "-f", "-n"], "xfs": ["xfs_repair", "-n"], "btrfs": ["btrfs", "check", "--readonly"],
        ]
        let filesystem = try await record(of: volume)?["spec"]?["filesystem"]?.string ?? "ext4"
        let words = (checkers[filesystem] ?? []) + [copy]
        let check = try await runTool(words[0], Array(words.dropFirst()))
        #expect(
            check.status == 0, "\(volume), after \(occasion): \(check.output) \(check.error)",
            sourceLocation: sourceLocation)
        try FileManager.default.removeItem(atPath: copy)
    }

    /// What `rbd info` says of a volume's image.
    func imageInfo(of volume: String) async throws -> JSONValue {
        try JSONValue(parsing: try await ceph.rbd("info", "--format", "json", image(volume)))
    }

    /// The images of the stage.
    func images() async throws -> [String] { try await ceph.images(in: "\(pool)/\(namespace)") }

    /// The name of the image that an unfinished Create is at work on.
    func unfinishedImage(of volume: String) async throws -> String {
        let record = try await record(of: volume)
        guard let uid = record?["uid"]?.string, let token = record?["attempt"]?["token"]?.string else {
            throw RigFailure("\(volume) is not being created: \(String(describing: record))")
        }
        return "rbd-plugin.creating.\(uid).\(token)"
    }

    /// Lets etcd end the lease of a node's heartbeat now, as it does by itself when nothing was heard of the node for
    /// `NODE_TTL`: all others hold the node for dead. One that died before its first heartbeat has none.
    func endHeartbeat(of node: String) async throws {
        let key = "\(prefix)nodes/\(node)"
        let found = try JSONValue(parsing: try await etcd.etcdctl("get", "--write-out", "json", key))
        guard let lease = found["kvs"]?.array.first?["lease"]?.integer else { return }
        do {
            try await etcd.etcdctl("lease", "revoke", String(lease, radix: 16))
        } catch let failure as RigFailure where "\(failure)".contains("requested lease not found") {
            // It has ended by itself meanwhile.
            return
        }
    }
}
