import ArgumentParser
import EtcdState
import FoundationEssentials
import Glibc
import VolumeCore

/// `rbd-plugin history`
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show who did what to volumes, when and why, the oldest first.",
        discussion: """
            A removed volume has its history as well. The entries are kept for as long as HISTORY_KEEP says. \
            Times are those of the nodes' clocks; the order is that of etcd.

            Example: rbd-plugin history db
            """)

    @Argument(
        help: "The volume's name. Without it, the history of all volumes is shown.", completion: Offered.volumes)
    var volume: String?

    @Flag(help: "Go on showing what happens, until interrupted.")
    var follow = false

    @Flag(help: "Print a JSON array, for programs; with --follow, an object on each line.")
    var json = false

    func run() async throws {
        let name = try volume.map { try VolumeName(given: $0) }
        try await OperatorSession.run { session in
            if follow { return try await session.history.follow(of: name) { show($0) } }
            let entries = try await session.history.entries(of: name)
            if json { return print(try RecordOutput.json(entries)) }
            var table = Table(Self.headings)
            for entry in entries { table.add(entry.cells) }
            print(table.text)
        }
    }

    private static let headings = ["TIME", "VOLUME", "NODE", "BY", "WHAT", "WHY"]

    /// Whoever reads a pipe gets each line at once.
    private func show(_ entry: HistoryEntry) {
        let line = json ? (try? RecordOutput.line(entry)) ?? "" : entry.cells.joined(separator: "  ")
        Output.write([UInt8]((line + "\n").utf8), to: STDOUT_FILENO)
    }
}

extension HistoryEntry {
    /// Whoever may write to etcd can put any text into an entry: what a terminal would obey is shown by its number.
    fileprivate var cells: [String] {
        ["\(at)", "\(volume)"] + [node, by ?? "-", what, why ?? "-"].map { ShownText.shown($0, limit: 1000) }
    }
}
