import Rig
import Testing

extension KilledCall {
    static let readerMount = KilledCall(
        title: "a Mount of a shared volume", caller: "Mount",
        prepare: prepare,
        call: { scene, name in try await scene.client.mount(name, id: "a").checked() },
        again: { scene, name, occasion in try await scene.expectUsable(name, occasion) },
        finally: expectIntact)

    static let readerUnmount = KilledCall(
        title: "an Unmount of a shared volume", caller: "Unmount",
        prepare: { scene, name in
            try await prepare(scene, name)
            try await scene.client.mount(name, id: "a").checked()
        },
        call: { scene, name in try await scene.client.unmount(name, id: "a").checked() },
        again: { scene, name, occasion in
            try await scene.client.unmount(name, id: "a").checked()
            try await scene.expectUsable(name, occasion)
        },
        finally: expectIntact)

    private static func parent(of name: String) -> String { name + ".parent" }

    @Sendable private static func prepare(_ scene: Scene, _ name: String) async throws {
        try await scene.prepareVolume(parent(of: name))
        try await scene.client.create(name, options: ["from": parent(of: name), "access": "read-only"]).checked()
    }

    @Sendable private static func expectIntact(_ scene: Scene, _ volumes: [String]) async throws {
        try await scene.expectIntact(volumes + volumes.map(parent), "killed readers")
    }
}
