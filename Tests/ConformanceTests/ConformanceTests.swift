import ProtocolConformance
import Rig
import Testing

/// Our plugin under the suite that can be pointed at any.
@Suite("Conformance")
struct ConformanceTests {
    @Test("Docker can rely on it", arguments: ConformanceCase.all)
    func conforms(_ each: ConformanceCase) async throws {
        let environment = try RigEnvironment.required()
        try await PluginProcess.with(environment) { plugin in
            let options = ["pool": environment.pool, "size": "32"]
            try await each.run(on: Subject(socket: plugin.socket, options: options))
        }
    }
}
