import VolumeCore

@testable import NodeStorage

/// The name of a volume, of whatever bytes: it becomes a folder, an image and a key.
struct NameTarget: FuzzTarget {
    let name = "names"
    let words = ["rbd-plugin.creating.", "rbd-plugin.removed.", "a", "Z9_.-", "db"]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let given = text(input)
        let folder = FuseFolder.name(of: ImageReference(pool: "rbd", namespace: given, name: given))
        try PathChecks.isOneStep(folder)
        try hold(folder.utf8.count <= FuseFolder.longestName, "a folder's name is too long for a socket: \(folder)")
        if let trashed = TrashedImage(in: TrashPlace(pool: "rbd"), id: "1", named: given) {
            try PathChecks.isOneStep(trashed.volume.text)
        }
        if let asGiven = try? VolumeName(given: given) {
            try hold(asGiven.given == given, "the name that Docker knows was changed")
            try PathChecks.isOneStep(asGiven.text)
            try hold((try? VolumeName(asGiven.text)) == asGiven, "its own name cannot be read again")
        }
        switch Result(catching: { () throws(VolumeError) in try VolumeName(given) }) {
        case .failure(let error):
            try hold(
                error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f },
                "the refusal is not one plain line: \(error.description.debugDescription)")
            return kind(error.why)
        case .success(let name):
            try hold(name.text == given, "the name was changed")
            try PathChecks.isOneStep(name.text)
            try hold(name.text.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "the name cannot be seen")
            return "accepted"
        }
    }
}

/// Paths, byte by byte, as the kernel takes them.
enum PathChecks {
    private static let slash = UInt8(ascii: "/")

    static func isOneStep(_ step: String) throws(Broken) {
        try hold(
            !step.isEmpty && step != "." && step != ".." && !step.utf8.contains { $0 == slash || $0 == 0 },
            "it leads to another folder: \(step.debugDescription)")
    }

    static func meansWhatItSays(_ path: String) throws(Broken) {
        let steps = path.utf8.split(separator: slash, omittingEmptySubsequences: false).map { text(Array($0)) }
        try hold(steps.first == "" && steps.count > 1, "no absolute path: \(path.debugDescription)")
        for step in steps.dropFirst() { try isOneStep(step) }
    }
}
