import ArgumentParser
import Glibc
import RBDDriver
import VolumeCore
import VolumeLoad

/// `rbd-plugin top`
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what the volumes that this node has mounted do: reads, writes, their times, fullness, limits.",
        discussion: """
            Asks the plugin on this node, and neither etcd nor Ceph. The busiest volume comes first. READS and WRITES are those of \
            the device, a second, READ and WRITTEN their bytes a second; R-MS and W-MS say how many milliseconds one takes on \
            average; QUEUE counts those that have not ended. FULL and INODES say how much is used of what containers can use. \
            METRICS_VOLUMES bounds how many volumes are shown.

            On a terminal it goes on until Ctrl-C. Elsewhere it shows one interval.

            Example: rbd-plugin top --interval 5
            """)

    @Option(help: "How many seconds lie between two looks.")
    var interval = 2.0

    @Option(help: "How many intervals to show. 0 for all until Ctrl-C.")
    var count: Int?

    @Option(help: "The plugin's unix socket.")
    var socket = "/run/docker/plugins/rbd.sock"

    @Flag(help: "Print a JSON object for each interval, on a line of its own, for programs.")
    var json = false

    func validate() throws {
        guard interval >= 0.1, interval <= 3600 else {
            throw ValidationError("--interval must be from 0.1 to 3600 seconds.")
        }
        if let count, count < 0 { throw ValidationError("--count must be 0 or more.") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var left = count ?? (isTerminal ? 0 : 1)
        let isEndless = left == 0
        var before = try await look()
        while isEndless || left > 0 {
            try await Task.sleep(for: .seconds(interval))
            let now = try await look()
            let seconds = (now.at - before.at) / .seconds(1)
            let load = NodeLoad(now.scrape, since: before.scrape, seconds: seconds)
            guard try show(load, seconds, isTerminal) else { return }
            before = now
            if !isEndless { left -= 1 }
        }
    }

    private func look() async throws -> (scrape: Scrape, at: ContinuousClock.Instant) {
        func failed(_ why: String) -> OperatorSession.Failed {
            .init(
                "cannot ask the plugin at \(socket): \(why). See whether it runs: docker plugin ls, or rbd-plugin doctor"
            )
        }
        switch await SocketRequest.get("/metrics", from: socket, within: .seconds(5)) {
        case .absent: throw failed("there is no such socket")
        case .silent(let why): throw failed(why)
        case .answered(let answer):
            guard answer.status == 200 else { throw failed("it answers /metrics with status \(answer.status)") }
            return (Scrape(parsing: String(decoding: answer.body, as: UTF8.self)), .now)
        }
    }

    /// - Returns: whether somebody still reads it.
    private func show(_ load: NodeLoad, _ seconds: Double, _ isTerminal: Bool) throws -> Bool {
        let text: String
        if json {
            text = try RecordOutput.line(LoadOutput(seconds: seconds, load: load)) + "\n"
        } else if isTerminal {
            // Home, and all below it is cleared.
            text = "\u{1b}[H\u{1b}[J" + TopText.text(load, lines: Self.lines()) + "\n"
        } else {
            text = TopText.text(load) + "\n"
        }
        return Output.write([UInt8](text.utf8), to: STDOUT_FILENO)
    }

    private static func lines() -> Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 3 else { return nil }
        return Int(size.ws_row) - 1
    }
}

/// `rbd-plugin top --json`. Fields are added, and none is renamed or given another meaning without a new `schema`.
private struct LoadOutput: Encodable {
    private let schema = 1
    private let at = SystemClock().timestamp()
    /// How many lie between the two looks.
    private let seconds: Double
    private let volumes: [VolumeLoad]
    /// How many mounted volumes are not among them.
    private let leftOut: Int

    init(seconds: Double, load: NodeLoad) {
        (self.seconds, volumes, leftOut) = (seconds, load.volumes, load.leftOut)
    }
}
