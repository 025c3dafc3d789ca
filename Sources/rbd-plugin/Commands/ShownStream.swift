import Backup
import Glibc
import Synchronization
import VolumeCore

/// Shows on standard error how far an export or an import is: a line that changes on a terminal, else a line for every tenth.
final class ShownStream: Sendable {
    private struct Shown {
        var percent = -1
        var hasOpenLine = false
    }

    private let verb: String
    private let isShown: Bool
    private let isTerminal: Bool
    private let shown = Mutex(Shown())

    init(_ verb: String, isShown: Bool) {
        self.verb = verb
        self.isShown = isShown
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    /// That Ceph does not answer is told in any case.
    @Sendable func show(_ progress: BackupProgress) {
        switch progress {
        case .reached(let done, let total): if isShown { show(done, total) }
        case .waiting(let reason):
            end()
            Output.error("Ceph does not answer; still trying: \(reason)\n")
        }
    }

    private func show(_ done: UInt64, _ total: UInt64) {
        let percent = total == 0 ? 100 : Int(Double(min(done, total)) / Double(total) * 100)
        let step = isTerminal ? 1 : 10
        let line = shown.withLock { shown -> String? in
            guard percent / step > shown.percent / step || shown.percent < 0 else { return nil }
            shown.percent = percent
            shown.hasOpenLine = isTerminal
            guard isTerminal else { return "\(percent) % \(verb)\n" }
            let filled = percent / 5
            let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 20 - filled)
            return "\r[\(bar)] \(percent) % of \(VolumeSize(bytes: total)) \(verb)"
        }
        if let line { Output.error(line) }
    }

    /// From now on other lines may follow.
    func end() {
        let isOpen = shown.withLock { shown in
            defer { shown.hasOpenLine = false }
            return shown.hasOpenLine
        }
        if isOpen { Output.error("\n") }
    }
}
