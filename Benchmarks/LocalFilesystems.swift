import FoundationEssentials
import NodeStorage
import Rig

/// What this machine can do with a filesystem.
enum LocalFilesystems {
    /// Whether it can be made.
    static func canMake(_ filesystem: String) -> Bool { SearchPath.standard.find("mkfs.\(filesystem)") != nil }

    /// Whether the kernel can mount it, which it may need to be told.
    static func canMount(_ filesystem: String) async throws -> Bool {
        if try isKnown(filesystem) { return true }
        guard SearchPath.standard.find(.modprobe) != nil else { return false }
        _ = try await runTool("modprobe", [filesystem])
        return try isKnown(filesystem)
    }

    private static func isKnown(_ filesystem: String) throws -> Bool {
        let drivers = try String(contentsOf: URL(filePath: "/proc/filesystems"), encoding: .utf8)
        return drivers.split { $0.isWhitespace }.contains { $0 == filesystem }
    }
}
