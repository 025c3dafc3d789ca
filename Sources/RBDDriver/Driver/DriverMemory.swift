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

    /// Whether a Mount of it may have been answered within that time: also by the run before this one, which may have
    /// been killed right after it.
    func mayHaveBeenMounted(_ name: VolumeName, within duration: Duration, of now: Moment) -> Bool {
        contents.withLock { now - ($0.mountedAt[name] ?? startedAt) < duration }
    }

    /// Remembers an Unmount that could not be done, to be tried again: Docker does not.
    func postpone(_ unmount: PendingUnmount) {
        contents.withLock { $0.pending.append(unmount) }
    }

    /// The Unmounts that were postponed.
    var postponed: [PendingUnmount] { contents.withLock { $0.pending } }

    /// Forgets the postponed Unmounts of this very id, and says how many there were. Docker keeps the id of an Unmount
    /// that failed and mounts with it again: from then on the old Unmount would hit the new mount.
    func withdraw(_ unmount: PendingUnmount) -> Int {
        contents.withLock { contents in
            let before = contents.pending.count
            contents.pending.removeAll { $0 == unmount }
            return before - contents.pending.count
        }
    }
}
