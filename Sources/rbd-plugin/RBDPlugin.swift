import ArgumentParser

@main
struct RBDPlugin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rbd-plugin", abstract: "Docker volumes on Ceph RBD.")
}
