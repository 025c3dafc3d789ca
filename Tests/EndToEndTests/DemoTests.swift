import FoundationEssentials
import Rig
import Testing

/// `make demo`, and what README shows of it.
@Suite("The demo")
struct DemoTests {
    @Test("README shows the take-over as the demo plays it, but for times, addresses and numbers")
    func readmeShowsTheTakeOver() async throws {
        let rig = try RigEnvironment.required()
        let folder = try ScratchFolder("demo", of: rig)
        do {
            let lines = folder.path + "/lines"
            let run = try await runTool(
                rig.scripts + "/demo", [try PluginProcess.executable(), lines], within: .seconds(300))
            #expect(run.succeeded, "\(run.output.suffix(8000))\n\(run.error.suffix(2000))")
            let played = Self.shape(try text(of: lines))
            #expect(played.count > 15)
            #expect(try Self.shape(Self.takeOverInReadme(rig)) == played, "`make readme` writes it anew")
            #expect(!run.output.contains("\u{1B}"), "it is not in colour where nobody sees colours")
        } catch {
            try? await folder.sweep()
            throw error
        }
        try await folder.sweep()
    }

    private static func takeOverInReadme(_ rig: RigEnvironment) throws -> String {
        let readme = try text(of: rig.scripts + "/../README.md")
        let block = try #require(
            readme.firstMatch(of: /<!-- take-over: make readme -->\n```text\n(?<lines>[^`]*)```\n<!-- end of take-over/)
        )
        return String(block.output.lines)
    }

    /// The lines without what differs from run to run, and from one way of mapping to another.
    private static func shape(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            String(line)
                .replacing(/\/[^" ]*\/rbd-demo\.\w+/, with: "FOLDER")
                .replacing(/\(\d+\.\d+ s\)/, with: "(TIME)")
                .replacing(/\d{4}-\d\d-\d\dT[0-9:.+Z]*/, with: "MOMENT")
                .replacing(/kill -(\w+)( \d+)+/) { "kill -\($0.output.1) PIDS" }
                .replacing(/client [0-9a-fv.:\/\[\]]+/, with: "client ADDRESS")
                .replacing(/the \d+ acknowledged/, with: "the COUNT acknowledged")
                .replacing(/refused: [A-Z][\w\/ \-]*/, with: "refused: REASON")
        }
    }
}
