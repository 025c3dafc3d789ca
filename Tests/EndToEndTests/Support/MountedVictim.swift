import FoundationEssentials
import Rig
import Testing

/// Somebody else's mounted filesystem beside the plugin's mount root, and a mounted volume in it: whatever is asked for
/// under bad names, both must stay.
struct MountedVictim {
    let stage: Stage
    /// The volume.
    let volume: String
    private let before: Surroundings

    /// The folder of the other filesystem: `../victim` as seen from a volume's mountpoint.
    private var folder: String { "\(stage.plugin.scratch.path)/victim" }
    private var mountpoint: String { "\(stage.plugin.mountRoot)/\(volume)" }

    init(on stage: Stage) async throws {
        self.stage = stage
        volume = try await stage.volume("victim")
        let mountpoint = try await stage.client.mount(volume, id: "victim").checked().mountpoint
        try write("precious", to: mountpoint + "/file")
        let folder = "\(stage.plugin.scratch.path)/victim"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try await runTool("mount", ["-t", "tmpfs", "victim", folder]).checked()
        try write("precious", to: folder + "/file")
        before = try await stage.surroundings()
    }

    func expectUntouched(after occasion: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await stage.expectUnchanged(since: before, after: occasion, sourceLocation: sourceLocation)
        for file in [folder + "/file", mountpoint + "/file"] {
            #expect(try text(of: file) == "precious", "after \(occasion)", sourceLocation: sourceLocation)
        }
        let path = try await stage.client.path(volume).checked().mountpoint
        #expect(path == mountpoint, "after \(occasion)", sourceLocation: sourceLocation)
    }
}
