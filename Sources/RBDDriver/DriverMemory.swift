import Synchronization
import VolumeCore

/// What this run of the plugin remembers beside etcd. A restart may forget it: then what it would have told is not believed.
final class DriverMemory: Sendable {
    struct PendingUnmount: Sendable, Hashable {
        let name: VolumeName
        let id: String
    }

    private struct Contents {
        var mountedAt: [VolumeName: Moment] = [:]
        var pending: [PendingUnmount] = []
        /// The devices that are known not to show what a filesystem was before its repair.
        var upToDate: [VolumeName: MappedDevice] = [:]
        /// How many images of removed volumes wait in the trash, where there are some or may be.
        var trash: [TrashPlace: Int] = [:]
        var lookedForTrash: Moment?
        /// Images in the trash that Ceph's clock says must stay, each with the time at which the clock is asked again.
        var putOff: [String: Moment] = [:]
        /// When each volume's values were last brought into force, or tried to be, and which.
        var values: [VolumeName: (wanted: RuntimeSettings, epoch: Epoch, at: Moment)] = [:]
        /// Calls that wait for something to be known are to end.
        var isEnding = false
    }

    private let startedAt: Moment
    private let contents = Mutex(Contents())

    init(startedAt: Moment) { self.startedAt = startedAt }

    /// - Parameter span: for how long anybody asks. What is older is dropped: it says no more than the start of this run.
    func noteMount(of name: VolumeName, at moment: Moment, keptFor span: Duration) {
        contents.withLock { contents in
            contents.mountedAt = contents.mountedAt.filter { moment - $0.value < span }
            contents.mountedAt[name] = moment
        }
    }

    /// Of how many volumes the last mount is remembered.
    var rememberedMounts: Int { contents.withLock(\.mountedAt.count) }

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

    var isEnding: Bool { contents.withLock(\.isEnding) }

    func noteEnd() { contents.withLock { $0.isEnding = true } }

    // MARK: Repaired filesystems

    /// The device was mapped by this run, and no check of its filesystem has repaired anything since.
    func noteUpToDate(_ device: MappedDevice, of name: VolumeName) { contents.withLock { $0.upToDate[name] = device } }

    func isUpToDate(_ device: MappedDevice, of name: VolumeName) -> Bool {
        contents.withLock { $0.upToDate[name] == device }
    }

    /// It may show what the filesystem was before its repair, or is unmapped.
    func forgetUpToDate(_ name: VolumeName) { contents.withLock { $0.upToDate[name] = nil } }

    // MARK: Values that change while a volume is in use

    /// Whether these values were brought into force on this mount, or tried to be, within that time.
    func hasTried(
        _ wanted: RuntimeSettings, on name: VolumeName, _ epoch: Epoch, within span: Duration, of now: Moment
    ) -> Bool {
        contents.withLock { contents in
            guard let last = contents.values[name] else { return false }
            return last.wanted == wanted && last.epoch == epoch && now - last.at < span
        }
    }

    func noteTry(of wanted: RuntimeSettings, on name: VolumeName, _ epoch: Epoch, at now: Moment) {
        contents.withLock { $0.values[name] = (wanted, epoch, now) }
    }

    /// The volume is mounted here no more.
    func forgetValues(of name: VolumeName) { contents.withLock { $0.values[name] = nil } }

    // MARK: Removed volumes

    func isPutOff(_ image: String, now: Moment) -> Bool {
        contents.withLock { contents in
            contents.putOff = contents.putOff.filter { $0.value > now }
            return contents.putOff[image] != nil
        }
    }

    func putOff(_ image: String, until moment: Moment) { contents.withLock { $0.putOff[image] = moment } }

    /// Something was put into the trash there.
    func noteTrash(in place: TrashPlace) { contents.withLock { $0.trash[place, default: 0] += 1 } }

    /// So much was seen there.
    func noteTrash(in place: TrashPlace, waiting count: Int) {
        contents.withLock { $0.trash[place] = count > 0 ? count : nil }
    }

    var trashPlaces: Set<TrashPlace> { contents.withLock { Set($0.trash.keys) } }

    var imagesInTrash: Int { contents.withLock { $0.trash.values.reduce(0, +) } }

    /// Whether everything has to be looked at again; if so, this counts as the look.
    func isTrashDue(every interval: Duration, now: Moment) -> Bool {
        contents.withLock { contents in
            if let last = contents.lookedForTrash, now - last < interval { return false }
            contents.lookedForTrash = now
            return true
        }
    }

    /// The look failed.
    func forgetTrashLook() { contents.withLock { $0.lookedForTrash = nil } }
}
