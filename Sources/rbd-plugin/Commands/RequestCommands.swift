import ArgumentParser
import EtcdState
import RBDDriver
import VolumeCore

/// `rbd-plugin request …`
struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "See what the nodes were asked to do with volumes, and how far they are.",
        subcommands: [List.self, Get.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List all requests; those that have come to their end stay for an hour.",
            discussion: "Example: rbd-plugin request ls")

        @Flag(help: "Print a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                let all = try await session.requests.list()
                if json { return print(try RecordOutput.json(all.compactMap(\.request?.record))) }
                var table = Table("VOLUME", "TO BE", "STATE", "NODE", "DONE", "ASKED BY", "SINCE")
                for stored in all {
                    guard let request = stored.request?.record else { continue }
                    table.add(
                        "\(stored.name)", "\(request.work)", request.shownState, request.node?.node ?? "",
                        request.progress.map { "\($0) %" } ?? "", request.askedBy, "\(request.since)")
                }
                print(table.text)
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the request of a volume, as JSON.", discussion: "Example: rbd-plugin request get db")

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        func run() async throws {
            try await OperatorSession.run { session in
                guard let request = try await session.requests.find(volume).request?.record else { return }
                print(try RecordOutput.json(request))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm",
            abstract: "Take a request back that no node has begun with, or clear away one that has come to its end.",
            discussion: """
                A volume whose rollback has failed half-way cannot be mounted. Roll it back to another snapshot; or remove the \
                request, which takes the image as it is: its filesystem is then likely to be damaged.

                Example: rbd-plugin request rm db
                """)

        @Argument(help: "The volume's name.", completion: Offered.volumes)
        var volume: String

        @Flag(name: .shortAndLong, help: "Do not ask.")
        var yes = false

        func run() async throws {
            try await OperatorSession.run { session in
                let request = try await session.requests.find(volume).request?.record
                if request?.isHalfDone == true, !yes {
                    guard Confirmation.ask("The image of volume \(volume) is half rolled back. Use it as it is?") else {
                        throw OperatorSession.Failed("Nothing was changed.")
                    }
                }
                try await session.requests.remove(volume)
                print("Removed the request of volume \(volume).")
            }
        }
    }
}

extension WorkRequest {
    fileprivate var shownState: String { isHalfDone ? "failed half-way" : state.rawValue }
}

/// How a command waits for what it has asked the nodes to do.
struct RequestWait: ParsableArguments {
    @Flag(help: "Do not wait until it is done.")
    var noWait = false

    @Option(help: "How many seconds to wait.")
    var timeout = 86_400

    /// Waits until the request has come to its end, and prints what happens.
    /// - Returns: what came of it.
    /// - Throws: `OperatorSession.Failed` when it has failed, or when the time is up.
    func end(of request: WorkRequest, _ volume: String, _ session: OperatorSession) async throws -> String {
        let shown = ShownProgress(volume: volume)
        guard
            let ended = try await session.requests.wait(
                for: request, of: volume, limit: .seconds(timeout), { shown.show($0) })
        else {
            throw OperatorSession.Failed(
                "Volume \(volume) was not \(request.work) within \(timeout) s.\(shown.trouble) The nodes go on;"
                    + " 'rbd-plugin request get \(volume)' shows how far they are.")
        }
        guard ended.state == .done else { throw OperatorSession.Failed(ended.result ?? "It failed.") }
        return ended.result ?? ""
    }
}

/// Prints a line whenever there is something new to say.
private final class ShownProgress {
    private let volume: String
    private var node: String?
    private var progress: Int?
    private var obstacle: String?

    init(volume: String) { self.volume = volume }

    func show(_ request: WorkRequest) {
        guard request.isUnfinished else { return }
        if let name = request.node?.node, name != node {
            node = name
            print("Node \(name) is at it.")
        }
        if let result = request.result, result != obstacle {
            obstacle = result
            print("It cannot yet: \(result)")
        }
        if let percent = request.progress, percent != progress {
            progress = percent
            print("\(percent) % done")
        }
    }

    /// What is in the way, for an error.
    var trouble: String {
        if let obstacle { return " It cannot yet: \(obstacle)." }
        return node == nil ? " No node has begun with it: is the plugin running?" : ""
    }
}
