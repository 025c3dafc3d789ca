import Synchronization
import VolumeCore

/// What this run of the plugin remembers of the snapshots that it takes by schedule. What has to hold stands in the records.
final class ScheduleMemory: Sendable {
    private struct Contents {
        var lookedAtRest: Moment?
        var failures: [VolumeName: (reason: String, at: Moment)] = [:]
        var outcomes: [SnapshotOutcome: Int] = [:]
        /// The uids of volumes that could not be frozen, and when that was.
        var failedFreezes: [String: Moment] = [:]
    }

    private let contents = Mutex(Contents())

    /// Whether the volumes that nobody has mounted are to be looked through; if so, this counts as the look.
    func isLookDue(every interval: Duration, now: Moment) -> Bool {
        contents.withLock { contents in
            if let last = contents.lookedAtRest, now - last < interval { return false }
            contents.lookedAtRest = now
            return true
        }
    }

    func hasFailed(_ name: VolumeName, within span: Duration, of now: Moment) -> Bool {
        contents.withLock(\.failures[name]).map { now - $0.at < span } ?? false
    }

    /// - Returns: whether it is news.
    func noteFailure(of name: VolumeName, _ reason: String, at now: Moment) -> Bool {
        contents.withLock { contents in
            contents.outcomes[.failed, default: 0] += 1
            defer { contents.failures[name] = (reason, now) }
            return contents.failures[name]?.reason != reason
        }
    }

    func forgetFailure(of name: VolumeName) { contents.withLock { $0.failures[name] = nil } }

    /// - Parameter uid: the volume's.
    func noteFailedFreeze(of uid: String, at now: Moment) {
        contents.withLock { contents in
            contents.failedFreezes = contents.failedFreezes.filter { now - $0.value < Self.freezePause }
            contents.failedFreezes[uid] = now
        }
    }

    /// Whether a freeze of the volume failed a short while ago: whoever writes to it has waited enough.
    func hasFailedToFreeze(_ uid: String, now: Moment) -> Bool {
        contents.withLock(\.failedFreezes[uid]).map { now - $0 < Self.freezePause } ?? false
    }

    private static let freezePause = Duration.seconds(600)

    func count(_ outcome: SnapshotOutcome) { contents.withLock { $0.outcomes[outcome, default: 0] += 1 } }

    var outcomes: [SnapshotOutcome: Int] { contents.withLock(\.outcomes) }
}

/// What came of snapshots that were due, or not to stay.
public enum SnapshotOutcome: String, Sendable, Hashable, CaseIterable {
    case taken, removed, failed
}
