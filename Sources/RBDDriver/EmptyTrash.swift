import Logging
import VolumeCore

/// Removing a volume puts its image into Ceph's trash, so that the call takes as long for a large image as for a small
/// one. Its data is deleted here, in the background, by whichever node gets to it; one image at a time for each pool.
extension VolumeDriver {
    /// How often all places are looked at. Those that have something in their trash are looked at in each round.
    private static let interval = Duration.seconds(300)

    /// One round: deletes what waits in the trash of all pools at the same time. A pool that a former round is still
    /// at work in is left to that one.
    public func emptyTrash() async {
        await sweepClaims()
        let places = await trashPlaces()
        await withTaskGroup(of: Void.self) { group in
            for (pool, places) in Dictionary(grouping: places, by: \.pool).sorted(by: { $0.key < $1.key }) {
                group.addTask {
                    await emptying.takeIfFree(pool) { for place in places.sorted() { await emptyTrash(in: place) } }
                }
            }
        }
    }

    /// Where something may wait: where something did, and now and then everywhere. A plugin that is killed forgets what it
    /// has put where; Ceph does not.
    private func trashPlaces() async -> Set<TrashPlace> {
        var places = memory.trashPlaces
        guard memory.isTrashDue(every: Self.interval, now: ports.clock.now()) else { return places }
        do {
            places.formUnion(try await ports.images.trashPlaces())
        } catch {
            memory.forgetTrashLook()
            log.debug("cannot list the pools of the cluster", metadata: ["error": "\(error)"])
        }
        return places.union(ports.catalog.compactMap { $0.volume?.record.image.trash })
    }

    private func emptyTrash(in place: TrashPlace) async {
        do {
            let waiting = try await ours(in: place)
            memory.noteTrash(in: place, waiting: waiting.count)
            for (done, image) in rotated(waiting).enumerated() {
                await empty(image)
                memory.noteTrash(in: place, waiting: waiting.count - done - 1)
            }
            // What could not be deleted, or came meanwhile.
            if !waiting.isEmpty {
                memory.noteTrash(in: place, waiting: try await ours(in: place).count)
            }
        } catch {
            // Pools that this plugin's user may not see are asked as well.
            log.debug("cannot list the trash", metadata: ["pool": "\(place.pool)", "error": "\(error)"])
        }
    }

    /// What waits there and no other installation has put there: whether a record still speaks of that, only its own etcd
    /// could say. What is to be kept for longer is left out.
    private func ours(in place: TrashPlace) async throws -> [TrashedImage] {
        let (home, now) = (ports.home(), ports.clock.wallTime())
        return try await ports.images.trashed(in: place).filter {
            VolumeUID.isOurs($0.uid, home: home) && rules.trashIsDue($0, now)
        }
    }

    private func empty(_ image: TrashedImage) async {
        do {
            if image.keptUntil != nil {
                try await emptyKept(image)
            } else if try await mayBeDeleted(image) {
                try await delete(image)
            }
        } catch let error as VolumeError where error.code == .busy {
            log.debug("the image of a removed volume is still in use", metadata: ["error": "\(error)"])
        } catch {
            log.warning(
                "could not delete the image of a removed volume; trying again later", metadata: ["error": "\(error)"])
        }
    }

    /// Each node begins with another one, so that not all of them are at the same.
    private func rotated(_ images: [TrashedImage]) -> [TrashedImage] {
        guard !images.isEmpty else { return [] }
        let start = me.node.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xffff } % images.count
        return Array(images[start...] + images[..<start])
    }

    /// Whether no record speaks of the image any more. A call that was held up for long may have put it there after
    /// another node had given the volume back; one that was cut off is finished by whoever removes the volume.
    private func mayBeDeleted(_ image: TrashedImage) async throws -> Bool {
        guard let record = try await ports.store.read(image.volume).volume?.record, record.uid == image.uid else {
            return true
        }
        if record.phase != .removing {
            log.error(
                "the trash holds the image of a volume; 'rbd trash restore' brings it back",
                metadata: ["volume": "\(image.volume)", "pool": "\(image.place.pool)", "image-id": "\(image.id)"])
        }
        return false
    }

    private func delete(_ image: TrashedImage) async throws {
        do {
            try await ports.images.emptyTrash(image)
        } catch let error as VolumeError where error.code == .busy {
            // What was taken by schedule goes along. And a run of this plugin that was killed over the image still counts as having
            // it open.
            let isFree = (try? await removeScheduledSnapshots(ofTrashed: image)) == true
            let isShutOut = await shutOutFormerSelves()
            guard isFree || isShutOut else { throw error }
            try await ports.images.emptyTrash(image)
        }
        log.info(
            "deleted the image of a removed volume",
            metadata: ["volume": "\(image.volume)", "pool": "\(image.place.pool)", "image-id": "\(image.id)"])
    }

    /// How many images of removed volumes this node has seen waiting for their data to be deleted.
    public var imagesInTrash: Int { memory.imagesInTrash }
}
