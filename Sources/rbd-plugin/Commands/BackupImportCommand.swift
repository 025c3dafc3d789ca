import ArgumentParser
import Backup
import DiffStream
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin backup import`
struct BackupImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a new volume of a backup that 'backup export' or 'rbd export-diff' has written.",
        discussion: """
            The volume appears when the backup was whole and all of it is written; else nothing is left. It gets the size, the \
            filesystem and the snapshot that the backup has. All else comes from the options, which are those of \
            'docker volume create', and from the policy.

            With --on-top the backup has what changed between two snapshots. It goes into a volume that has the first of them, \
            that has not changed since, and that no node has mounted; then the volume has the second one, too. If that fails, \
            the volume is brought back to the first one. No node mounts it before it is one or the other.

            Examples: ssh vault 'cat db-sunday.diff' | rbd-plugin backup import db2 -o pool=rbd
                      rbd-plugin backup import db2 db-monday.diff --on-top
            """)

    @Argument(help: "The name of the volume.")
    var volume: String

    @Argument(help: "The file to read; '-' for standard input.", completion: .file())
    var file = "-"

    @Option(name: .shortAndLong, help: "An option of the new volume: NAME=VALUE. Can be given several times.")
    var option: [String] = []

    @Option(help: "The SHA-256 that the backup must have, as 'backup export' has told it.")
    var sha256: String?

    @Flag(help: "Apply what has changed to a volume that is there.")
    var onTop = false

    @OptionGroup var shown: ProgressArguments

    func validate() throws {
        if let sha256, sha256.utf8.count != 64 || !sha256.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) {
            throw ValidationError("--sha256 takes 64 hexadecimal digits")
        }
        if onTop, !option.isEmpty { throw ValidationError("--on-top takes no options: the volume has its own") }
    }

    func run() async throws {
        let work = Work(
            volume: volume, file: file, options: try VolumeOptionArguments.read(option), sha256: sha256,
            progress: shown.progress("imported"))
        let onTop = onTop
        try await Interruptible.run {
            try await OperatorSession.run { session in
                try await session.cluster.require(claiming: !onTop)
                let input = try BackupFile(reading: work.file)
                defer {
                    input.discard()
                    work.progress.end()
                }
                print(onTop ? try await work.update(from: input, session) : try await work.make(from: input, session))
            }
        }
    }
}

/// One import.
private struct Work: Sendable {
    let volume: String
    let file: String
    let options: [String: String]
    let sha256: String?
    let progress: ShownStream

    private var what: String { "import volume \(volume)" }

    private func diff(_ input: BackupFile) -> IncomingDiff {
        IncomingDiff(IncomingStream(descriptor: input.descriptor), checksum: sha256, what)
    }

    /// - Returns: what came of it, for people.
    func make(from input: BackupFile, _ session: OperatorSession) async throws -> String {
        let diff = diff(input)
        let head = try await diff.head()
        if let from = head.from {
            throw OperatorSession.Failed(
                "cannot \(what): the backup has only what has changed since snapshot \(from); import the one before it, then"
                    + " this one with --on-top")
        }
        let filling = VolumeImport(diff, what, images: session.images, tell: progress.show)
        let made = try await session.backups.make(
            volume, options: options, size: VolumeSize(bytes: head.size), snapshot: head.to,
            filledBy: OperatorPorts.withKillPoint(filling.create))
        progress.end()
        let spec = made.volume.spec
        let done = "Made volume \(volume) (\(spec.size), \(spec.filesystem.rawValue))."
        guard let reason = made.missingSnapshot else { return done }
        return "\(done)\nIt does not have the snapshot \(head.to ?? "") of the backup: \(reason)."
    }

    /// - Returns: what came of it, for people.
    func update(from input: BackupFile, _ session: OperatorSession) async throws -> String {
        // Of a file it is known beforehand whether it is whole: then nothing has to be taken back.
        if input.canBeReadAgain {
            let first = diff(input)
            _ = try await first.head()
            try await first.check()
            try input.rewind()
        }
        let diff = diff(input)
        let head = try await diff.head()
        guard let from = head.from else {
            throw OperatorSession.Failed(
                "cannot \(what): the backup is a whole one; import it as a new volume, without --on-top")
        }
        let updating = VolumeUpdate(
            diff, head, what, snapshots: session.inCeph, connection: session.ceph, tell: progress.show)
        try await session.backups.update(volume, from: from, to: head.to) {
            image, id, snapshot, isHalfDone, claim, finish in
            try await updating.apply(
                to: image, id: id, from: snapshot, isHalfDone: isHalfDone, claim: claim, finish: finish)
        }
        progress.end()
        return "Volume \(volume) is what it was in snapshot \(head.to ?? "(none)") of the backup."
    }
}

/// Options of a volume, as `docker volume create -o` takes them.
private enum VolumeOptionArguments {
    static func read(_ arguments: [String]) throws -> [String: String] {
        var options: [String: String] = [:]
        for argument in arguments {
            guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else {
                throw ValidationError("'\(argument)' is no option of a volume: write NAME=VALUE")
            }
            options[String(argument[..<sign])] = String(argument[argument.index(after: sign)...])
        }
        return options
    }
}
