import Synchronization
import VolumeCore

/// Who was seen to have a volume's image open, and when: for `Status` only, never for a decision.
public struct WatcherSighting: Sendable, Hashable {
    public var watchers: [ClientAddress]
    /// RFC 3339.
    public var seenAt: String

    public init(watchers: [ClientAddress], seenAt: String) {
        self.watchers = watchers
        self.seenAt = seenAt
    }
}

/// The latest sightings, and which volumes somebody has asked about. Docker asks with every call it makes, so a question
/// is answered with what was seen last and never with a look at Ceph.
final class WatcherSightings: Sendable {
    private struct Contents {
        var seen: [VolumeName: (sighting: WatcherSighting, at: Moment)] = [:]
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

    /// Those of `held` and of the volumes that were asked about which nobody has looked at for half a minute.
    func due(_ held: [VolumeName], now: Moment) -> [VolumeName] {
        contents.withLock { contents in
            let names = held + contents.wanted.filter { !held.contains($0) }
            contents.wanted = []
            return names.filter { name in contents.seen[name].map { now - $0.at > Self.validity } ?? true }
        }
    }

    func note(_ name: VolumeName, _ sighting: WatcherSighting, at moment: Moment) {
        contents.withLock { $0.seen[name] = (sighting, moment) }
    }

    /// Forgets those of volumes that are gone.
    func forget(where isGone: (VolumeName) -> Bool) {
        let gone = contents.withLock { Array($0.seen.keys) }.filter(isGone)
        contents.withLock { contents in for name in gone { contents.seen[name] = nil } }
    }
}

extension VolumeDriver {
    /// One round of looking at who has which image open: of the volumes this node has, twice a minute, and of those that
    /// somebody has asked about. A pool that does not answer for one of its volumes is asked for no other.
    public func lookAtWatchers() async {
        var silent: Set<String> = []
        sightings.forget { ports.catalog.find($0) == nil }
        for name in sightings.due(held.map(\.name), now: ports.clock.now()) {
            guard let volume = ports.catalog.find(name)?.volume?.record, volume.phase == .ready,
                !silent.contains(volume.image.pool)
            else { continue }
            let deadline = ports.clock.now() + .seconds(2)
            let found = try? await Deadline.$current.withValue(deadline) {
                try await ports.images.watchers(of: volume.image)
            }
            guard let found else {
                silent.insert(volume.image.pool)
                continue
            }
            let sighting = WatcherSighting(watchers: found, seenAt: ports.clock.timestamp())
            sightings.note(name, sighting, at: ports.clock.now())
        }
    }
}
