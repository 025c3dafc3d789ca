import Synchronization
import VolumeCore

/// What this run of the plugin remembers beside etcd. Nothing of it is needed for safety: a restart may forget it.
final class DriverMemory: Sendable {
    struct PendingUnmount: Sendable, Hashable {
        let name: VolumeName
        let id: String
    }

    private struct Contents {
        var mountedAt: [VolumeName: Moment] = [:]
        var pending: [PendingUnmount] = []
    }

    private let startedAt: Moment
    private let contents = Mutex(Contents())

    init(startedAt: Moment) { self.startedAt = startedAt }

    func noteMount(of name: VolumeName, at moment: Moment) {
        contents.withLock { $0.mountedAt[name] = moment }
    }

    func forgetMount(of name: VolumeName) {
        contents.withLock { $0.mountedAt[name] = nil }
    }

    /// Whether a Mount of it may have been answered within that time: also by the run before this one, which may have
    /// been killed right after it.
    func mayHaveBeenMounted(_ name: VolumeName, within duration: Duration, of now: Moment) -> Bool {
        contents.withLock { now - ($0.mountedAt[name] ?? startedAt) < duration }
    }

    /// Remembers an Unmount that could not be done, to be tried again: Docker does not.
    func postpone(_ unmount: PendingUnmount) {
        contents.withLock { $0.pending.append(unmount) }
    }

    /// The volumes of which an Unmount was postponed.
    var postponed: [VolumeName] { contents.withLock { $0.pending.map(\.name) } }

    /// Hands out what was postponed for these volumes; who cannot do it postpones it again.
    func takePostponed(where isMeant: (VolumeName) -> Bool) -> [PendingUnmount] {
        contents.withLock { contents in
            defer { contents.pending.removeAll { isMeant($0.name) } }
            return contents.pending.filter { isMeant($0.name) }
        }
    }
}
