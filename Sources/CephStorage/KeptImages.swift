import Synchronization

/// Images that were opened for a look and stay open for a moment, because the next look comes soon: a Mount looks at its image
/// before it maps it, and twice more to find the new client among the watchers. Opening takes a dozen requests in a row, and
/// the list of watchers one.
///
/// They are open read-only, so nobody sees them as watchers, and nothing that was read at the time of opening is taken from
/// them later but the id.
final class KeptImages: Sendable {
    /// An open image, and what it was opened by.
    struct Kept: Sendable {
        let image: RBDImage
        let name: String
        let id: String
    }

    private struct Key: Hashable {
        let location: ImageLocation
        let name: String
    }

    private static let lifetime = Duration.seconds(5)
    private static let most = 32

    private let all = Mutex<[Key: Kept]>([:])

    /// Keeps an image open; the one that is kept under that name is closed. Of too many any one goes.
    func keep(_ kept: Kept) {
        let key = Key(location: kept.image.location, name: kept.name)
        let displaced = all.withLock { all in
            var displaced = [all.updateValue(kept, forKey: key)]
            if all.count > Self.most, let other = all.keys.first(where: { $0 != key }) {
                displaced.append(all.removeValue(forKey: other))
            }
            return displaced.compactMap(\.self)
        }
        for kept in displaced { kept.image.closeInBackground() }
        Task { [weak self] in
            try? await Task.sleep(for: Self.lifetime)
            self?.drop(kept)
        }
    }

    /// The image that is kept under a name, if that is on the present connection.
    func find(_ name: String, in location: ImageLocation, on cluster: CephCluster) -> Kept? {
        let found = all.withLock { $0[Key(location: location, name: name)] }
        guard let found, found.image.cluster === cluster else { return nil }
        return found
    }

    /// Has an image closed without waiting for it.
    func drop(_ kept: Kept) {
        let key = Key(location: kept.image.location, name: kept.name)
        let isKept = all.withLock { all in
            guard all[key]?.image === kept.image else { return false }
            all[key] = nil
            return true
        }
        if isKept { kept.image.closeInBackground() }
    }

    /// Closes all of them on the current thread: the connection goes. Blocks.
    func closeNow() {
        let kept = all.withLock { all in
            defer { all = [:] }
            return Array(all.values)
        }
        for each in kept { each.image.closeNow() }
    }
}
