import ArgumentParser

/// The program. `serve` is the plugin; operators' commands find their place beside it.
@main
struct RBDPlugin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbd-plugin",
        abstract: "Docker volumes on Ceph RBD: block volumes that follow their containers from node to node.",
        version: Version.text,
        subcommands: [Serve.self, VolumeCommand.self, MountCommand.self, NodeCommand.self],
        defaultSubcommand: Serve.self)
}
