import Rig
import Testing

/// `kill -9` of `rbd-plugin backup import` after each of its effects.
@Suite("Imports that are killed")
struct KilledImportTests {
    @Test(
        "Nothing half made stays: the volume becomes whole by itself, or its name is free and the same import makes it")
    func killed() async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let scene = Scene(stage: stage, killSwitch: killSwitch)
            let source = uniqueName("source")
            try await scene.prepareVolume(source)
            try await stage.operate("snapshot", "create", source, "s").checked()
            let file = stage.scratchFile("backup")
            try await stage.operate("backup", "export", "\(source)@s", file).checked()
            func command(_ name: String) -> [String] {
                [
                    "backup", "import", name, file, "--no-progress", "-o", "pool=\(stage.pool)", "-o",
                    "namespace=\(stage.namespace)",
                ]
            }
            let unharmed = uniqueName("unharmed")
            try killSwitch.clear()
            try await stage.operate(command(unharmed)).checked()
            let points = try killSwitch.points(of: "Operator")
            #expect(points.count >= 5, "\(points)")

            var volumes = [unharmed]
            var left = 0
            for point in points {
                let name = uniqueName("killed")
                try killSwitch.arm(point)
                let killed = try await stage.operate(command(name))
                #expect(killed.status != 0, "\(point): \(killed)")
                try killSwitch.clear()
                // The plugin of this node finishes or undoes what has a record; a dead client shows for half a minute.
                try await eventually("no unfinished record of \(name), \(point)", within: .seconds(120)) {
                    let record = try await stage.record(of: name)
                    return record == nil || record?["phase"] == "ready"
                }
                if try await stage.record(of: name) == nil {
                    if point.line.hasSuffix("fill image") { left += 1 }
                    try await stage.operate(command(name)).checked()
                }
                // For half a minute Ceph shows the client of the dead command, and no node mounts the volume.
                try await eventually("the client of the dead command to be gone, \(point)", within: .seconds(90)) {
                    try await stage.ceph.watchers(of: "\(stage.namespace)/\(name)", in: stage.pool).isEmpty
                }
                try await scene.expectUsable(name, "an import that was killed after \(point)")
                volumes.append(name)
            }
            // What no record knows, all plugins find by its name within two hours; no volume ever has such a name.
            let unfinished = try await stage.images().filter { $0.hasPrefix("rbd-plugin.creating.") }
            #expect(unfinished.count == left, "\(unfinished)")
            try await eventually("the clients of dead commands to be gone", within: .seconds(90)) {
                for image in unfinished {
                    let watchers = try await stage.ceph.watchers(of: "\(stage.namespace)/\(image)", in: stage.pool)
                    guard watchers.isEmpty else { return false }
                }
                return true
            }
            for image in unfinished { try await stage.ceph.rbd("rm", "--no-progress", stage.image(image)) }
            for name in volumes + [source] {
                let listed = try await stage.operate("snapshot", "ls", name, "--json").checked().output
                for snapshot in try JSONValue(parsing: listed).array {
                    try await stage.operate("snapshot", "rm", name, try #require(snapshot["name"]?.string)).checked()
                }
            }
            try await scene.expectIntact(volumes + [source], "killed imports")
        }
    }
}
