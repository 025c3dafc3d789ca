import Synchronization

/// Images that stay open for a moment, because what comes next needs them open: opening takes a dozen requests in a row.
///
/// - A *look* leaves its image open, read-only. A Mount looks at its image before it maps it, and twice more to find the new
///   client among the watchers. Nobody sees a look as a watcher, and nothing that was read at the time of opening is taken
///   from it later but the id.
/// - A *finished* image is one that a Create has just filled, open for writing, until it gets the volume's name.
final class KeptImages: Sendable {
    /// An open image, with the name it was opened by and its id.
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

    /// Hands the image that is kept under a name over to the caller, who closes it.
    func take(_ name: String, in location: ImageLocation) -> Kept? {
        all.withLock { $0.removeValue(forKey: Key(location: location, name: name)) }
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
