import ArgumentParser
import CCoreDump
import CPrivileges
import Glibc
import PluginConfiguration

/// The program. `serve` is the plugin; operators' commands find their place beside it. Without a command it shows its
/// help: nobody becomes a second server by typing its name.
@main
struct RBDPlugin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbd-plugin",
        abstract: "Docker volumes on Ceph RBD: block volumes that follow their containers from node to node.",
        version: Version.text,
        subcommands: [
            Serve.self, StatusCommand.self, TopCommand.self, DoctorCommand.self, VolumeCommand.self,
            SnapshotCommand.self, TrashCommand.self, BackupCommand.self,
            RequestCommand.self, PolicyCommand.self, MountCommand.self, NodeCommand.self, GlobalCommand.self,
            HistoryCommand.self,
        ])

    @Option(
        help: ArgumentHelp(
            "The managed plugin of this host inside which the command runs, as 'docker plugin ls' shows it.",
            valueName: "name"))
    var plugin: String?

    func validate() throws {
        if plugin != nil { throw ValidationError("--plugin goes in front: rbd-plugin --plugin NAME COMMAND…") }
    }

    static func main() async {
        PluginOfHost.enterIfNamed(CommandLine.arguments)
        // A shell that asks what to offer shows its user nothing else.
        if CommandLine.arguments.dropFirst().first == "---completion" {
            _ = dup2(open("/dev/null", O_WRONLY), STDERR_FILENO)
        }
        // A core would hold the Ceph key: none of this process, nor of the programs that it starts, which have the key too.
        _ = ccoredump_forbid()
        _ = ccoredump_limit()
        Caller.follow()
        // What it starts gets what it has itself at most. Before any other thread is there: they inherit it.
        _ = cprivileges_win_none()
        // Swift reads the arguments there, and takes what it finds in memory for them where it cannot.
        guard access("/proc/self/cmdline", R_OK) == 0 else {
            Output.error("rbd-plugin cannot start: /proc is not mounted here. Mount it: mount -t proc proc /proc\n")
            Glibc.exit(ExitStatus.settings.rawValue)
        }
        MistypedCommand.refuse(CommandLine.arguments, of: Self.self)
        await runAndEnd()
    }

    /// A call to Ceph may still be on its thread, as one that hangs always is. An ordinary exit destroys librados' global objects
    /// beneath it, and the program crashes instead of ending with its status: so every command leaves through here.
    private static func runAndEnd() async -> Never {
        var status = ExitCode.success
        do {
            var command = try await asyncParseAsRoot(nil)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            status = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty {
                if status == .success { print(text) } else { Output.error(text + "\n") }
            }
        }
        fflush(nil)
        _exit(status.rawValue)
    }
}
