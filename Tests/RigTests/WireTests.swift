import Rig
import Testing

/// The wire with delay, by which the bench counts round trips: one that let frames through early would count too few.
struct WireTests {
    @Test("A wire holds every frame back for its delay, both ways, and keeps the order")
    func holdsBack() async throws {
        let rig = try RigEnvironment.required()
        let checked = try await runTool("\(rig.scripts)/wire", ["check"]).checked()
        #expect(checked.output.contains("delay 5 ms"))
    }

    @Test("Outside of a wire there is no delay to set")
    func wantsWire() async throws {
        let rig = try RigEnvironment.required()
        let refused = try await runTool("\(rig.scripts)/wire", ["delay", "1"])
        #expect(!refused.succeeded)
        #expect(refused.error.contains("there is no wire here"))
    }
}
