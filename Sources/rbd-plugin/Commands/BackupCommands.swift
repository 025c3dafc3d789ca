import ArgumentParser
import Backup
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin backup …`
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write snapshots of volumes out, whole or what has changed, and make volumes of what was written.",
        subcommands: [Export.self, BackupImportCommand.self])

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a snapshot of a volume to a file or a pipe, also while containers use the volume.",
            discussion: """
                Writes what 'rbd import-diff' and 'rbd-plugin backup import' read. With --from it writes only what has changed \
                since an earlier snapshot. At the end, a line on standard error has the SHA-256 of all bytes, as sha256sum \
                prints it and 'sha256sum --check' reads it.

                If the command fails or is interrupted, the file goes; what went into a pipe is no whole backup then, and \
                'backup import' refuses it.

                Examples: rbd-plugin backup export db@sunday db-sunday.diff
                          rbd-plugin backup export db@monday --from sunday - | ssh vault 'cat > db-monday.diff'
                """)

        @Argument(help: "The volume and its snapshot: VOLUME@SNAPSHOT.", completion: Offered.volumes)
        var snapshot: String

        @Argument(help: "The file to make; '-' for standard output.", completion: .file())
        var file = "-"

        @Option(
            help:
                "An earlier snapshot of the volume: only what has changed since is written. SNAPSHOT or VOLUME@SNAPSHOT."
        )
        var from: String?

        @OptionGroup var shown: ProgressArguments

        func run() async throws {
            let wanted = try SnapshotText(snapshot)
            let earlier = try from.map { try wanted.earlier($0) }
            let progress = shown.progress("exported")
            let file = file
            try await Interruptible.run {
                try await OperatorSession.run { session in
                    try await session.cluster.require(claiming: false)
                    let found = try await session.backups.find(wanted.snapshot, of: wanted.volume, since: earlier)
                    let output = try BackupFile(making: file)
                    do {
                        let stream = OutgoingStream(descriptor: output.descriptor)
                        let export = SnapshotExport(
                            of: found.image, id: found.id, at: found.snapshot, from: found.from,
                            connection: session.ceph, tell: progress.show)
                        try await export.write(to: stream)
                        try output.keep()
                        progress.end()
                        Output.error("\(stream.tally.checksum)  \(file)\n")
                    } catch {
                        progress.end()
                        output.discard()
                        throw error
                    }
                }
            }
        }
    }
}

/// `VOLUME@SNAPSHOT`. A volume's name may contain an `@`, a snapshot's name that the plugin makes may not.
private struct SnapshotText {
    let volume: String
    let snapshot: String

    init(_ text: String) throws {
        guard let at = text.lastIndex(of: "@"), at != text.startIndex, text.index(after: at) != text.endIndex else {
            throw ValidationError("'\(text)' does not name a volume and its snapshot: write VOLUME@SNAPSHOT")
        }
        volume = String(text[..<at])
        snapshot = String(text[text.index(after: at)...])
    }

    /// The name of an earlier snapshot of the same volume.
    func earlier(_ text: String) throws -> String {
        guard text.contains("@") else { return text }
        let other = try SnapshotText(text)
        guard other.volume == volume else {
            throw ValidationError("--from names a snapshot of '\(other.volume)', not of '\(volume)'")
        }
        return other.snapshot
    }
}

/// How much a long command shows of its progress.
struct ProgressArguments: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Show on standard error how far it is.")
    var progress = true

    /// - Parameter verb: what is done: `exported`.
    func progress(_ verb: String) -> ShownStream { ShownStream(verb, isShown: progress) }
}
