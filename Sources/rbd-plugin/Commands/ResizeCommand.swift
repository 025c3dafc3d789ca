import ArgumentParser
import EtcdState
import Glibc
import RBDDriver
import VolumeCore

/// `rbd-plugin volume resize`
struct ResizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize", abstract: "Make a volume larger, also while containers use it.",
        discussion: """
            The node that has the volume mounted grows its image, its device and its filesystem; containers keep writing. \
            If no node has it mounted, the next one that mounts it grows it. Volumes never shrink.

            The command waits until the volume has the new size. If you interrupt it, the nodes still carry on.

            Example: rbd-plugin volume resize db 40G
            """)

    @Argument(help: "The volume's name.", completion: Offered.volumes)
    var volume: String

    @Argument(help: "The new size: a number of MB (2^20 bytes), or with a unit such as 512M, 40G or 1T.")
    var size: String?

    @Flag(help: "Fill the image, which 'rbd resize' has made larger.")
    var toImage = false

    @Flag(help: "Do not wait until the volume has the new size.")
    var noWait = false

    @Option(help: "How many seconds to wait.")
    var timeout = 60

    func run() async throws {
        let asked = try Self.size(size, toImage)
        try await OperatorSession.run { session in
            try await session.cluster.require(claiming: false)
            let (stored, wanted) =
                if let asked { (try await session.actions.resize(volume, to: asked), asked) } else {
                    try await session.actions.resizeToImage(volume)
                }
            guard GrowthRule.wanted(stored) != nil else { return print("Volume \(volume) already has \(wanted).") }
            if let node = stored.attachment?.record.owner.node {
                print("Node \(node) has volume \(volume) mounted and will grow it to \(wanted).")
                if !noWait { try await wait(for: wanted, session) }
            } else {
                print("No node has volume \(volume) mounted. The next node that mounts it will grow it to \(wanted).")
            }
        }
    }

    /// - Returns: `nil` for the size of the image.
    private static func size(_ text: String?, _ toImage: Bool) throws -> VolumeSize? {
        switch (text, toImage) {
        case (nil, true): return nil
        case (nil, false): throw ValidationError("give a size such as 40G, or --to-image")
        case (_?, true): throw ValidationError("give either a size or --to-image")
        case (let text?, false):
            guard let size = VolumeSize(parsing: text) else {
                throw ValidationError("'\(text)' is not a size: give a number of MB, or a unit as in 512M, 40G or 1T")
            }
            return size
        }
    }

    private func wait(for wanted: VolumeSize, _ session: OperatorSession) async throws {
        let end = ContinuousClock.now + .seconds(timeout)
        var reason: String?
        while ContinuousClock.now < end {
            let now = try await session.actions.volume(volume)
            guard GrowthRule.wanted(now) != nil else { return print("Volume \(volume) has \(wanted) now.") }
            guard now.attachment != nil else {
                return print("The node has unmounted volume \(volume): the next one that mounts it will grow it.")
            }
            reason = now.attachment?.record.growthReason
            try await Task.sleep(for: .milliseconds(250))
        }
        let trouble = reason.map { " It cannot yet: \($0)." } ?? ""
        throw OperatorSession.Failed(
            "Volume \(volume) did not grow to \(wanted) within \(timeout) s.\(trouble) The node goes on trying; "
                + "'rbd-plugin volume inspect \(volume)' shows whether it has grown.")
    }
}
