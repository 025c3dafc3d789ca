import FoundationEssentials
import Rig

/// The tools that the plugin calls, each behind a script that notes its arguments and its environment. mkfs fails on demand.
struct SpiedTools: Sendable {
    let folder: String
    private var record: String { "\(folder)/calls" }
    private var flag: String { "\(folder)/mkfs-fails" }

    static let names = ["mkfs.ext4", "losetup", "qemu-storage-daemon", "e2fsck", "rbd"]

    init(in folder: String) async throws {
        self.folder = folder
        for name in Self.names {
            let path = try await runTool("sh", ["-c", "command -v \(name)"]).checked().output.filter { $0 != "\n" }
            let failure =
                name == "mkfs.ext4" ? "[ ! -e \(flag) ] || { echo 'no filesystem today' >&2; exit 1; }; " : ""
            let script = #"{ echo "\#(name) $*"; env; } >>\#(record); \#(failure)exec \#(path) "$@""#
            try write("#!/bin/sh\n\(script)\n", to: "\(folder)/\(name)")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
        }
    }

    /// All calls, with what each was given.
    var calls: String { (try? text(of: record)) ?? "" }

    func withFailingMkfs(_ body: () async throws -> Void) async throws {
        try write("", to: flag)
        try await body()
        try FileManager.default.removeItem(atPath: flag)
    }
}
