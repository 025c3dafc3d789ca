import Rig
import Testing

/// `kill -9` of `rbd-plugin trash …` after each of its effects.
@Suite("Trash commands that are killed")
struct KilledRestoreTests {
    @Test(
        "The same restore again finishes it, under the old name and another, and the data is intact",
        arguments: [false, true])
    func restore(renames: Bool) async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let scene = Scene(stage: stage, killSwitch: killSwitch)
            func removed(_ stem: String) async throws -> (name: String, command: [String], target: String) {
                let name = uniqueName(stem)
                try await scene.prepareVolume(name, ["on-remove": "trash"])
                try await stage.client.remove(name).checked()
                let target = renames ? name + "-back" : name
                return (name, ["trash", "restore", name] + (renames ? ["--as", target] : []), target)
            }
            let unharmed = try await removed("unharmed")
            try killSwitch.clear()
            try await stage.operate(unharmed.command).checked()
            let points = try killSwitch.points(of: "Operator")
            #expect(points.count >= 3, "\(points)")
            var volumes = [unharmed.target]
            for point in points {
                let (_, command, target) = try await removed("killed")
                try killSwitch.arm(point)
                let killed = try await stage.operate(command)
                #expect(killed.status != 0, "\(point): \(killed)")
                try killSwitch.clear()
                let again = try await stage.operate(command)
                // After the last effect nothing was left to be done.
                let isDone = again.status == 0 || (point == points.last && again.error.contains("keeps nothing"))
                #expect(isDone, "\(point): \(again)")
                try await scene.expectUsable(target, "a restore that was killed after \(point)")
                volumes.append(target)
            }
            try await scene.expectIntact(volumes, "killed restores")
        }
    }

    @Test("The same deletion again finishes it, and leaves nothing")
    func remove() async throws {
        try await Stage.withKillSwitch { stage, killSwitch in
            let scene = Scene(stage: stage, killSwitch: killSwitch)
            func removed(_ stem: String) async throws -> [String] {
                let name = uniqueName(stem)
                try await scene.prepareVolume(name, ["on-remove": "trash"])
                try await stage.operate("snapshot", "create", name, "s").checked()
                try await stage.operate("snapshot", "hold", name, "s").checked()
                try await stage.client.remove(name).checked()
                return ["trash", "rm", name, "--yes"]
            }
            let unharmed = try await removed("unharmed")
            try killSwitch.clear()
            try await stage.operate(unharmed).checked()
            let points = try killSwitch.points(of: "Operator")
            for point in points {
                let command = try await removed("killed")
                try killSwitch.arm(point)
                #expect(try await stage.operate(command).status != 0, "\(point)")
                try killSwitch.clear()
                // A killed command has the image open for half a minute.
                try await eventually("the volume to be deleted, \(point)", within: .seconds(90)) {
                    let again = try await stage.operate(command)
                    return again.status == 0 || again.error.contains("keeps nothing")
                }
            }
            #expect(try await stage.trash() == [])
            #expect(try await stage.images() == [])
        }
    }
}
