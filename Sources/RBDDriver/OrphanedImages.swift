import Logging
import Synchronization
import VolumeCore

/// Unfinished images that no record tells of any more: a Create that was held up for so long that another node undid it may
/// make its image after that, and be killed before it learns so.
extension VolumeDriver {
    /// The pools to look through in this round: those of all volumes, and those in which this run of the plugin has begun to
    /// create one. Twice in the time that an image has to be nobody's.
    /// There can be very many volumes: in all other rounds they are not looked through.
    func poolsToSearch() -> Set<String> {
        guard ports.catalog.isLoaded, orphans.isRoundDue(now: ports.clock.now(), every: settings.orphanAge / 2) else {
            return []
        }
        let pools = ports.catalog.compactMap { $0.volume?.record.image.pool }
        return orphans.pools.union(pools + [settings.defaults.pool].compactMap(\.self))
    }

    /// Removes what has been nobody's for long.
    func removeOrphans(in pool: String) async {
        for namespace in namespaces(of: pool) {
            do {
                let found = try await unfinished(in: pool, namespace)
                for image in found { try await removeIfOrphaned(image) }
            } catch {
                log.debug(
                    "could not look for unfinished images", metadata: ["pool": "\(pool)", "error": "\(error)"])
            }
        }
    }

    private func namespaces(of pool: String) -> Set<String> {
        Set(ports.catalog.compactMap { $0.pool == pool ? $0.volume?.record.image.namespace : nil } + [""])
    }

    /// The names of unfinished images, without what a removal that was cut off has appended.
    private func unfinished(in pool: String, _ namespace: String) async throws -> Set<ImageReference> {
        let deadline = ports.clock.now() + settings.workBudget
        let names = try await Deadline.$current.withValue(deadline) {
            try await ports.images.names(in: pool, namespace: namespace, withPrefix: VolumeRecord.unfinishedPrefix)
        }
        let found = names.map { name in
            let isWithdrawn = name.hasSuffix(VolumeRecord.withdrawnSuffix)
            return ImageReference(
                pool: pool, namespace: namespace,
                name: isWithdrawn ? String(name.dropLast(VolumeRecord.withdrawnSuffix.count)) : name)
        }
        orphans.keep(Set(found), in: pool, namespace)
        return Set(found)
    }

    private func removeIfOrphaned(_ image: ImageReference) async throws {
        guard let uid = VolumeRecord.uid(ofUnfinishedImage: image.name) else { return }
        let known = Set(ports.catalog.compactMap { $0.volume?.record.uid })
        let seen = orphans.seen(image, now: ports.clock.now())
        guard rules.isOrphan(uid, known, seen, settings.orphanAge) else { return }
        try await Deadline.$current.withValue(ports.clock.now() + settings.workBudget) {
            try await inFreeSlot(of: image.pool) {
                try await removeUnfinished(image, of: nil)
                log.info("removed an unfinished image that no record knows", metadata: ["image": "\(image)"])
            }
        }
    }
}

/// Since when this run of the plugin has seen unfinished images, and when it looked last.
final class OrphanSightings: Sendable {
    private struct Contents {
        var since: [ImageReference: Moment] = [:]
        var lookedAt: Moment
        var pools: Set<String> = []
    }

    private let contents: Mutex<Contents>

    init(startedAt: Moment) { contents = Mutex(Contents(lookedAt: startedAt)) }

    /// Whether it is time for a round; then that counts as done.
    func isRoundDue(now: Moment, every interval: Duration) -> Bool {
        contents.withLock { contents in
            guard now - contents.lookedAt >= interval else { return false }
            contents.lookedAt = now
            return true
        }
    }

    /// The pools in which something was begun.
    var pools: Set<String> { contents.withLock(\.pools) }

    func noteBeginning(in pool: String) { contents.withLock { _ = $0.pools.insert(pool) } }

    /// For how long the image has been seen.
    func seen(_ image: ImageReference, now: Moment) -> Duration {
        contents.withLock { contents in
            let since = contents.since[image] ?? now
            contents.since[image] = since
            return now - since
        }
    }

    /// Forgets those of the place that are there no more.
    func keep(_ present: Set<ImageReference>, in pool: String, _ namespace: String) {
        contents.withLock { contents in
            contents.since = contents.since.filter { image, _ in
                image.pool != pool || image.namespace != namespace || present.contains(image)
            }
        }
    }
}
