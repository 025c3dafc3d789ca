import ArgumentParser
import Doctor
import FoundationEssentials
import Glibc
import PluginConfiguration
import VolumeCore

/// `rbd-plugin doctor`
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at everything that volumes on this node need, and say what is wrong and what to do.",
        discussion: """
            Changes nothing. Ends with status 0 when nothing was found, 1 when there are warnings or faults, and 2 when nothing was \
            found but something could not be looked at.

            Example: rbd-plugin doctor --bundle /tmp/report.tar.gz
            """)

    @Flag(help: "Print a JSON object, for programs.")
    var json = false

    @Option(help: "The unix socket of a plugin that runs without Docker's plugin system.")
    var socket = "/run/docker/plugins/rbd.sock"

    @Option(name: .customLong("mount-root"), help: "The folder below which the plugin mounts volumes, for the bundle.")
    var mountRoot = "/mnt/volumes"

    @Option(
        help: """
            Also write all that a report of an error needs into this new .tar.gz: findings, versions, settings, records, mounts, \
            the plugin's log, health and metrics. No secrets are in it.
            """)
    var bundle: String?

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let read = SettingsFromEnvironment.read(OperatorEnvironment.variables)
        let visit = DoctorVisit(read, socket: socket)
        let examination = await visit.examine()
        let refusal = await writeBundle(visit, examination)
        await visit.close()
        let node = read.node?.identity.node ?? ""
        let text =
            json
            ? try ExaminationJSON(examination, version: Version.text, node: node).text()
            : examination.text(isColoured: Self.isColoured)
        Output.write([UInt8](text.utf8), to: STDOUT_FILENO)
        if let refusal { Output.error("rbd-plugin: cannot write the bundle: \(refusal)\n") }
        throw ExitCode(refusal == nil ? examination.exitCode : ExitStatus.unseen.rawValue)
    }

    /// - Returns: why there is none; `nil` when it was written, or none was asked for.
    private func writeBundle(_ visit: DoctorVisit, _ examination: Examination) async -> String? {
        guard let bundle else { return nil }
        do {
            try await DoctorBundle(visit: visit, examination: examination, mountRoot: mountRoot).write(to: bundle)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static var isColoured: Bool {
        let isRefused = ProcessInfo.processInfo.environment["NO_COLOR"]?.isEmpty == false
        return !isRefused && isatty(STDOUT_FILENO) == 1
    }
}
