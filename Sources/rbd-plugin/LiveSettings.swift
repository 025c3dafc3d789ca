import Logging
import PluginConfiguration
import Synchronization
import VolumeCore

/// The settings that can change while the plugin runs: what is set for all nodes, and where nothing is, the node's own.
final class LiveSettings: Sendable {
    private struct State {
        var followed = GlobalSettings()
        var effect: (@Sendable (TimeLimits) -> Void)?
    }

    private let own: Settings
    private let log: Logger
    private let state = Mutex(State())

    init(_ own: Settings, log: Logger) {
        self.own = own
        self.log = log
    }

    /// - Parameter effect: brings time limits into force. Before this they have none.
    func takeEffect(_ effect: @escaping @Sendable (TimeLimits) -> Void) { state.withLock { $0.effect = effect } }

    /// Follows what is set for all nodes from now on. Called by one task.
    func follow(_ global: GlobalSettings) {
        let (before, effect) = state.withLock { state in
            defer { state.followed = global }
            return (state.followed, state.effect)
        }
        guard before != global else { return }
        let (limits, problem) = own.limits.following(global)
        effect?(limits)
        let level = own.log.level(following: global)
        // What is told of it is told at the more talkative level.
        if level < own.log.level(following: before) { LogOutput.setLevel(level) }
        if let problem {
            log.warning(
                "the time limits for all nodes do not go with this node's own, which stay in force",
                metadata: ["global": "\(global)", "reason": "\(problem)"])
        }
        log.notice("following the settings for all nodes", metadata: ["global": "\(global)"])
        LogOutput.setLevel(level)
    }
}
