import ArgumentParser

/// The program. `serve` is the plugin; operators' commands find their place beside it. Without a command it shows its
/// help: nobody becomes a second server by typing its name.
@main
struct RBDPlugin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbd-plugin",
        abstract: "Docker volumes on Ceph RBD: block volumes that follow their containers from node to node.",
        version: Version.text,
        subcommands: [Serve.self, VolumeCommand.self, MountCommand.self, NodeCommand.self])
}
