import FoundationEssentials
import Glibc
import PluginConfiguration
import VolumeCore

extension Settings {
    /// The plugin itself; `nil` where no history is to be kept.
    var historyAuthor: HistoryAuthor? {
        limits.history > .zero ? HistoryAuthor(node: node.identity.node) : nil
    }

    /// Whoever has typed a command on this node, as far as the environment knows.
    var historyAuthorOfCommand: HistoryAuthor? {
        let environment = ProcessInfo.processInfo.environment
        let name = ["SUDO_USER", "LOGNAME", "USER"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        return historyAuthor.map { HistoryAuthor(node: $0.node, person: name ?? "uid \(getuid())") }
    }
}
