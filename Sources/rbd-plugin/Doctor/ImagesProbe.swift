import CephStorage
import Doctor
import EtcdState
import Synchronization
import VolumeCore

/// Compares the records with what Ceph has. Only reads.
struct ImagesProbe: Sendable {
    let images: CephImageStore
    let snapshots: CephSnapshotStore
    /// Reads the records again: what was created or removed meanwhile is no finding.
    let readAgain: @Sendable () async -> RecordSurvey.Records?
    /// The longest that one listing may take.
    let limit: Duration

    /// More than so many images are not opened to count their snapshots, and not so many at a time.
    private static let mostLooks = 50
    private static let looksAtOnce = 4

    func look(at places: [ImageLocation], _ records: RecordSurvey.Records) async -> ImagesSeen {
        async let counted = count(records.volumes)
        let listed = await list(places)
        var seen = ImagesSeen(places: listed.count { $0.value != nil })
        seen.unlisted = listed.filter { $0.value == nil }.map { "\($0.key)" }.sorted()
        let candidates = Self.compare(listed, records)
        if !candidates.unfinished.isEmpty || !candidates.missing.isEmpty, let now = await readAgain() {
            let still = Self.compare(listed, now)
            seen.unfinished = candidates.unfinished.filter(still.unfinished.contains)
            seen.missing = candidates.missing.filter(still.missing.contains)
        }
        let (looks, total, many) = await counted
        (seen.looks, seen.volumes, seen.snapshots) = (looks, total, many)
        return seen
    }

    /// The names of all images of each place; `nil` where they cannot be listed.
    private func list(_ places: [ImageLocation]) async -> [ImageLocation: Set<String>?] {
        await withTaskGroup(of: (ImageLocation, Set<String>?).self) { group in
            for place in places {
                group.addTask {
                    let names = await InTime.of(limit) {
                        try? await images.names(in: place.pool, namespace: place.namespace, withPrefix: "")
                    }
                    return (place, (names ?? nil).map(Set.init))
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = .some($1.1) }
        }
    }

    /// What of the two does not fit.
    private static func compare(
        _ listed: [ImageLocation: Set<String>?], _ records: RecordSurvey.Records
    ) -> (unfinished: [String], missing: [ImagesSeen.Volume]) {
        let known = Set(records.volumes.compactMap { $0.volume?.record.uid })
        var unfinished: [String] = []
        // Of a volume whose record cannot be read nobody knows the uid.
        if records.unreadable.isEmpty {
            for (place, names) in listed {
                unfinished += (names ?? []).filter { name in
                    VolumeRecord.uid(ofUnfinishedImage: name).map { !known.contains($0) } ?? false
                }.map { "\(ImageReference(pool: place.pool, namespace: place.namespace, name: $0))" }
            }
        }
        let missing = records.volumes.compactMap { stored -> ImagesSeen.Volume? in
            guard let volume = stored.volume?.record, volume.phase == .ready,
                let names = listed[ImageLocation(volume.image)] ?? nil, !names.contains(volume.image.name)
            else { return nil }
            return ImagesSeen.Volume(name: volume.name.given, image: "\(volume.image)")
        }
        return (unfinished.sorted(), missing)
    }

    /// How many snapshots the volumes have, those in use first.
    private func count(_ volumes: [StoredVolume]) async -> (looks: Int, of: Int, [ImagesSeen.Snapshots]) {
        let ready = volumes.filter { $0.volume?.record.phase == .ready && $0.volume?.record.imageID != nil }
        let first = ready.sorted { ($0.allMounts.isEmpty ? 1 : 0) < ($1.allMounts.isEmpty ? 1 : 0) }
        let looks = Looks(at: Array(first.prefix(Self.mostLooks)))
        _ = await InTime.of(limit * 2) {
            await withDiscardingTaskGroup { group in
                for _ in 0..<Self.looksAtOnce {
                    group.addTask {
                        while !Task.isCancelled, let next = looks.next() { await count(next, looks) }
                    }
                }
            }
        }
        let counted = looks.counted
        return (counted.count, ready.count, counted.sorted { $0.volume < $1.volume })
    }

    private func count(_ stored: StoredVolume, _ looks: Looks) async {
        guard let volume = stored.volume?.record, let id = volume.imageID,
            let list = try? await snapshots.snapshots(of: volume.image, id: id)
        else { return }
        looks.add(ImagesSeen.Snapshots(volume: volume.name.given, count: list.count))
    }

    /// Volumes that wait for being looked at, and what was counted. It stays when the time is up.
    private final class Looks: Sendable {
        private let waiting: Mutex<[StoredVolume]>
        private let found = Mutex<[ImagesSeen.Snapshots]>([])

        init(at volumes: [StoredVolume]) { waiting = Mutex(volumes.reversed()) }

        func next() -> StoredVolume? { waiting.withLock { $0.popLast() } }

        func add(_ seen: ImagesSeen.Snapshots) { found.withLock { $0.append(seen) } }

        var counted: [ImagesSeen.Snapshots] { found.withLock { $0 } }
    }
}
