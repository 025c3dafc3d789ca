@testable import PluginConfiguration
@testable import VolumeCore

/// Paths in records and settings.
struct PathTarget: FuzzTarget {
    let name = "paths"
    let words = ["/mnt", "/volumes", "/dev/rbd0", "/.", "/..", "..", "/dev/", "/dev/../etc"]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let given = text(input)
        var accepted: [String] = []
        if (try? RecordForm.path(given, "mountpoint")) != nil {
            accepted.append("path")
            try PathChecks.meansWhatItSays(given)
        }
        if (try? RecordForm.device(given, "device")) != nil {
            accepted.append("device")
            try PathChecks.meansWhatItSays(given)
            try hold(given.utf8.starts(with: "/dev/".utf8), "no device: \(given)")
        }
        if (try? RecordForm.id(given, "uid")) != nil {
            accepted.append("id")
            try PathChecks.isOneStep(given)
        }
        // No setting gets so far with a control character.
        if !Text.hasControlCharacter(given), let path = try? Text.absolutePath(given) {
            accepted.append("setting")
            try PathChecks.meansWhatItSays(path)
        }
        return accepted.joined(separator: " ")
    }
}
