import FoundationEssentials
import UntrustedJSON
import VolumeCore

/// A call of Docker's plugin protocol, made as Docker makes it: the plugin on this node decides, with its own settings.
struct PluginCall {
    let socket: String

    /// Longer than OPERATION_TIMEOUT is as a rule: it is the plugin that says when its time is up.
    private static let patience = Duration.seconds(300)

    private struct Body: Encodable {
        var Name: String
        var Opts: [String: String]?
    }

    private struct Answer: Decodable {
        var Err: String?
    }

    /// `VolumeDriver.Create`
    /// - Throws: `OperatorSession.Failed` with the plugin's own sentence.
    func create(_ volume: String, _ options: [String: String]) async throws {
        try await call("Create", Body(Name: volume, Opts: options))
    }

    /// `VolumeDriver.Remove`
    /// - Throws: as `create`.
    func remove(_ volume: String) async throws { try await call("Remove", Body(Name: volume)) }

    private func call(_ verb: String, _ body: Body) async throws {
        let outcome = await SocketRequest.post(
            "/VolumeDriver.\(verb)", try RecordOutput.line(body), to: socket, within: Self.patience)
        switch outcome {
        case .absent: throw noPlugin("there is no such socket")
        case .silent(let why): throw noPlugin(why)
        case .answered(let answer):
            guard let said = try? UntrustedJSON.decode(Answer.self, from: answer.body) else {
                throw noPlugin("it answers with status \(answer.status), and not as this plugin does")
            }
            let error = said.Err ?? ""
            if !error.isEmpty || answer.status != 200 {
                throw OperatorSession.Failed(error.isEmpty ? "the plugin answers with status \(answer.status)" : error)
            }
        }
    }

    private func noPlugin(_ why: String) -> OperatorSession.Failed {
        .init("cannot ask the plugin at \(socket): \(why). See whether it runs: docker plugin ls, or rbd-plugin doctor")
    }
}
