import UntrustedJSON
import VolumeCore

/// The size of an image as Ceph has it, by `rbd info`.
struct ImageSize: Sendable {
    let files: CephClientFiles
    let runner: any CommandRunner

    private struct Info: Decodable { let size: UInt64 }

    func read(_ image: ImageReference, for what: String) async throws -> VolumeSize {
        let arguments = files.arguments + ["info", "--format", "json"] + image.arguments
        let said = try await runner.succeed(Command(.rbd, arguments, timeout: .seconds(10)), to: what).output
        guard let info = try? UntrustedJSON.decode(Info.self, from: Array(said.utf8)) else {
            throw VolumeError(.unexplained, what, why: "the plugin does not understand the answer of 'rbd info'")
        }
        return VolumeSize(bytes: info.size)
    }
}
