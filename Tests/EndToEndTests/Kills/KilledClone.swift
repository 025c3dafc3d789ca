import Rig
import Testing

extension KilledCall {
    static let clone = KilledCall(
        title: "a Create out of another volume", caller: "Create",
        prepare: { scene, name in try await scene.prepareVolume(parent(of: name)) },
        call: { scene, name in try await create(scene, name).checked() },
        again: { scene, name, occasion in
            let answer = try await create(scene, name)
            guard answer.succeeded else { throw RigFailure("\(occasion): \(answer.error)") }
            try await scene.expectUsable(name, occasion)
            try await eventually("no snapshot of \(parent(of: name)) to be left, \(occasion)") {
                let image = scene.stage.image(parent(of: name))
                return try await scene.stage.ceph.rbd("snap", "ls", image).isEmpty
            }
        },
        finally: { scene, volumes in
            try await scene.expectIntact(volumes + volumes.map(parent), "killed Creates of clones")
        })

    private static func parent(of name: String) -> String { name + ".parent" }

    private static func create(_ scene: Scene, _ name: String) async throws -> PluginAnswer {
        try await scene.client.create(name, options: ["from": parent(of: name)])
    }
}
