import ArgumentParser
import Glibc
import VolumeCore

/// The plugin that a command asks.
struct PluginSocket: ParsableArguments {
    @Option(help: "The plugin's unix socket.")
    var socket = "/run/docker/plugins/rbd.sock"

    var plugin: PluginCall { PluginCall(socket: socket) }
}

/// `rbd-plugin volume create`
struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a volume, as 'docker volume create' does.",
        discussion: """
            Asks the plugin on this node, and takes the same options. A volume that is there already, with the same options, is left \
            as it is.

            Example: rbd-plugin volume create db -o pool=rbd -o size=40G
            """)

    @Argument(help: "The volume's name.")
    var volume: String

    @Option(name: [.customShort("o"), .customLong("opt")], help: "An option: OPTION=VALUE. 'help' lists all.")
    var options: [String] = []

    @OptionGroup var asked: PluginSocket

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        var given: [String: String] = [:]
        for option in options {
            let (name, value) = option.split(at: "=")
            guard given.updateValue(value ?? "", forKey: name) == nil else {
                throw ValidationError("Option '\(name)' is given twice.")
            }
        }
        try await asked.plugin.create(volume, given)
        print(volume)
    }
}

/// `rbd-plugin volume rm`
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove volumes that no node has mounted, as 'docker volume rm' does.",
        discussion: """
            Asks the plugin on this node. What becomes of the data is for the volume's on-remove to say. Docker keeps a volume that a \
            stopped container names; this command does not know of containers.

            Example: rbd-plugin volume rm db --yes
            """)

    @Argument(help: "The volumes' names.", completion: Offered.volumes)
    var volumes: [String]

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @OptionGroup var asked: PluginSocket

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let names = volumes.map { ShownText.shown($0) }.joined(separator: ", ")
        guard yes || Confirmation.ask("Remove \(volumes.count == 1 ? "volume" : "volumes") \(names)?") else {
            throw ExitCode.failure
        }
        var hasFailed = false
        for volume in volumes {
            do {
                try await asked.plugin.remove(volume)
                print(volume)
            } catch {
                hasFailed = true
                Output.error("Error: \(error)\n")
            }
        }
        if hasFailed { throw ExitCode.failure }
    }
}

extension String {
    /// What is before the first `separator`, and what is after it.
    fileprivate func split(at separator: Character) -> (String, String?) {
        guard let index = firstIndex(of: separator) else { return (self, nil) }
        return (String(self[..<index]), String(self[self.index(after: index)...]))
    }
}
