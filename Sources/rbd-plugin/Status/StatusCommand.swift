import ArgumentParser
import ClusterStatus
import Glibc
import PluginConfiguration

/// `rbd-plugin status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the whole on one screen: backends, nodes, volumes, unfinished work, and what is wrong.",
        discussion: """
            Reads the records in etcd, and asks Ceph whether it is well. Changes nothing. A backend that hangs is shown as such \
            after some seconds. Ends with status 0 when nothing is wrong, else with 1. 'rbd-plugin doctor' looks deeper, at one \
            node and all that it depends on.

            Example: rbd-plugin status -x
            """)

    @Flag(help: "Print a JSON object, for programs.")
    var json = false

    @Flag(name: [.customShort("x"), .customLong("only-troubles")], help: "Show only what is wrong.")
    var onlyTroubles = false

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let visit = StatusVisit(SettingsFromEnvironment.read(OperatorEnvironment.variables))
        let status = ClusterStatus(await visit.look())
        await visit.close()
        let text =
            json
            ? try RecordOutput.json(StatusJSON(status, version: Version.text, onlyTroubles: onlyTroubles)) + "\n"
            : StatusText.text(status, onlyTroubles: onlyTroubles)
        Output.write([UInt8](text.utf8), to: STDOUT_FILENO)
        if !status.isWell { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}
