import Synchronization
import VolumeCore

/// Who was seen to have a volume's image open, which snapshots it had, and when: for `Status` only, never for a decision.
public struct WatcherSighting: Sendable, Hashable {
    public var watchers: [ClientAddress]
    /// `nil` when nobody has asked about the volume, or Ceph did not say.
    public var snapshots: SnapshotSighting?
    /// RFC 3339.
    public var seenAt: String

    public init(watchers: [ClientAddress], snapshots: SnapshotSighting? = nil, seenAt: String) {
        self.watchers = watchers
        self.snapshots = snapshots
        self.seenAt = seenAt
    }
}

/// The snapshots that an image was seen to have.
public struct SnapshotSighting: Sendable, Hashable {
    /// So many are shown: an image can have 450.
    public static let most = 50

    public let count: Int
    /// The newest, in the order in which they were taken.
    public let newest: [VolumeSnapshot]
    /// RFC 3339.
    public let seenAt: String

    public init(_ all: [VolumeSnapshot], seenAt: String) {
        self.seenAt = seenAt
        count = all.count
        newest = all.suffix(Self.most)
    }
}

/// The latest sightings, and which volumes somebody has asked about. Docker asks with every call it makes, so a question
/// is answered with what was seen last and never with a look at Ceph.
final class WatcherSightings: Sendable {
    private struct Contents {
        var seen: [VolumeName: (sighting: WatcherSighting, at: Moment, snapshotsAt: Moment?)] = [:]
        var wanted: [VolumeName] = []
    }

    /// As many questions are remembered between two rounds; of a volume that is not among them the next one counts.
    private static let mostWanted = 32
    private static let validity = Duration.seconds(30)

    private let contents = Mutex(Contents())

    /// What was seen last; remembers the question.
    func find(_ name: VolumeName) -> WatcherSighting? {
        contents.withLock { contents in
            if contents.wanted.count < Self.mostWanted, !contents.wanted.contains(name) { contents.wanted.append(name) }
            return contents.seen[name]?.sighting
        }
    }

    /// Those of `held` and of the volumes that were asked about which nobody has looked at for half a minute; of the latter, at their
    /// snapshots.
    func due(_ held: [VolumeName], now: Moment) -> [DueLook] {
        contents.withLock { contents in
            let asked = Set(contents.wanted)
            let names = held + contents.wanted.filter { !held.contains($0) }
            contents.wanted = []
            return names.compactMap { name in
                func isOld(_ look: Moment?) -> Bool { look.map { now - $0 > Self.validity } ?? true }
                let last = contents.seen[name]
                let look = DueLook(
                    name: name, atWatchers: isOld(last?.at),
                    atSnapshots: asked.contains(name) && isOld(last?.snapshotsAt))
                return look.atWatchers || look.atSnapshots ? look : nil
            }
        }
    }

    func note(_ name: VolumeName, _ watchers: [ClientAddress], _ time: String, at moment: Moment) {
        contents.withLock { contents in
            let last = contents.seen[name]
            let sighting = WatcherSighting(watchers: watchers, snapshots: last?.sighting.snapshots, seenAt: time)
            contents.seen[name] = (sighting, moment, last?.snapshotsAt)
        }
    }

    /// Of a volume whose watchers were seen.
    func note(_ name: VolumeName, _ snapshots: SnapshotSighting, at moment: Moment) {
        contents.withLock { contents in
            contents.seen[name]?.sighting.snapshots = snapshots
            contents.seen[name]?.snapshotsAt = moment
        }
    }

    /// Forgets those of volumes that are gone.
    func forget(where isGone: (VolumeName) -> Bool) {
        let gone = contents.withLock { Array($0.seen.keys) }.filter(isGone)
        contents.withLock { contents in for name in gone { contents.seen[name] = nil } }
    }
}

/// A volume, and what of it is to be looked at.
struct DueLook: Sendable, Hashable {
    let name: VolumeName
    let atWatchers: Bool
    let atSnapshots: Bool
}

extension VolumeDriver {
    /// One round of looking at who has which image open: of the volumes this node has, twice a minute, and of those that
    /// somebody has asked about. A pool that does not answer for one of its volumes is asked for no other.
    public func lookAtWatchers() async {
        var silent: Set<String> = []
        sightings.forget { ports.catalog.find($0) == nil }
        for look in sightings.due(held.map(\.name), now: ports.clock.now()) {
            guard let volume = ports.catalog.find(look.name)?.volume?.record, volume.phase == .ready,
                !silent.contains(volume.image.pool)
            else { continue }
            do {
                try await Deadline.$current.withValue(ports.clock.now() + .seconds(2)) {
                    try await self.look(at: volume, look)
                }
            } catch {
                silent.insert(volume.image.pool)
            }
        }
    }

    private func look(at volume: VolumeRecord, _ look: DueLook) async throws {
        if look.atWatchers {
            let found = try await ports.images.watchers(of: volume.image)
            sightings.note(look.name, found, ports.clock.timestamp(), at: ports.clock.now())
        }
        guard look.atSnapshots, let id = volume.imageID else { return }
        let all = try await ports.snapshots.snapshots(of: volume.image, id: id)
        let seen = SnapshotSighting(all, seenAt: ports.clock.timestamp())
        sightings.note(look.name, seen, at: ports.clock.now())
    }
}
