import ArgumentParser
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin volume trim`
struct TrimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim", abstract: "Give what a mounted volume does not use back to Ceph, now.",
        discussion: """
            The node that has the volume mounted does it, while containers go on. The command waits; if you interrupt it, the \
            node still carries on. 'rbd-plugin volume set VOLUME discard=weekly' has it done by itself.

            Example: rbd-plugin volume trim db
            """)

    @Argument(help: "The volume's name.", completion: Offered.volumes)
    var volume: String

    @OptionGroup var wait: RequestWait

    func run() async throws {
        try await OperatorSession.run { session in
            let asked = try await session.requests.ask(.trim, of: volume)
            guard !wait.noWait else { return print("Volume \(volume) will be trimmed.") }
            print("Volume \(volume) is trimmed: \(try await wait.end(of: asked, volume, session)).")
        }
    }
}
