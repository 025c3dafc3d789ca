import FoundationEssentials
import UntrustedJSON
import VolumeCore

/// The part of the port that is about removed volumes.
extension CephImageStore {
    /// How many bytes the objects have that an image in the trash consists of, without those of its snapshots: by the object map,
    /// without asking for each object.
    /// - Returns: `nil` for an image without the feature fast-diff.
    package func usedBytes(of image: TrashedImage) async throws -> UInt64? {
        try await call("add up what image \(image.id) of volume \(image.volume) has") { limit in
            try await call.images(image.reference).withImage(.id(image.id), .readOnly, timeout: limit) { opened in
                let stat = try await opened.stat(timeout: limit)
                guard stat.features.contains(.fastDiff) else { return nil }
                let parts = try await opened.differences(
                    from: nil, at: 0, count: stat.size, includingParent: false, wholeObjects: true, timeout: call.limit)
                return parts.reduce(0) { $1.exists ? $0 + $1.count : $0 }
            }
        }
    }

    /// Longer than any image takes: what ends a call that gets no answer are the limits of each request within it.
    private static let emptying = Duration.seconds(7 * 86_400)

    public func moveToTrash(
        _ image: ImageReference, id: String?, as removed: String, keepingUntil until: WallTime?
    ) async throws {
        // Ceph counts from now on, by the clock of this node.
        let delay = until.map { $0 - call.clock.wallTime() } ?? .zero
        let what = "put image \(image) into the trash"
        let other = try await call(what) { limit in
            try await call.images(image).moveToTrash(image.name, id: id, as: removed, delay: delay, timeout: limit)
        }
        if let other {
            throw VolumeError.replacedImage(what, found: other, wanted: id)
        }
    }

    public func trashPlaces() async throws -> [TrashPlace] {
        let pools = try await call("list the pools") { try await call.connection.pools(timeout: $0) }
        var places: [TrashPlace] = []
        for pool in pools {
            places.append(TrashPlace(pool: pool.name))
            // Most users may see some pools only, and nothing of the others.
            let namespaces = try? await call("list the namespaces of pool \(pool.name)") {
                try await call.connection.namespaces(in: pool.name, timeout: $0)
            }
            places += (namespaces ?? []).map { TrashPlace(pool: pool.name, namespace: $0) }
        }
        return places
    }

    public func trashed(in place: TrashPlace) async throws -> [TrashedImage] {
        let entries = try await call("list the trash of pool \(place.pool)") { limit in
            try await images(in: place).listTrash(timeout: limit)
        }
        return entries.compactMap { entry in
            let end = WallTime(seconds: Int64(entry.defermentEndsAt.timeIntervalSince1970))
            return TrashedImage(in: place, id: entry.id, named: entry.name, protectedUntil: end)
        }
    }

    public func keep(_ volume: KeptVolume, in image: ImageReference, id: String) async throws {
        let text = try KeptNote.text(volume)
        try await call("note in image \(image) what its volume was") { limit in
            try await call.images(image).changeMetadata(ofImage: id, setting: [KeptNote.key: text], timeout: limit)
        }
    }

    public func kept(_ image: TrashedImage) async throws -> KeptImage? {
        do {
            return try await call("look at image \(image.id) in the trash of pool \(image.place.pool)") { limit in
                try await images(in: image.place).withImage(.id(image.id), .readOnly, timeout: limit) { opened in
                    let size = try await opened.stat(timeout: limit).size
                    let metadata = try await opened.metadata(timeout: limit)
                    return KeptImage(
                        image: image, size: VolumeSize(bytes: size), uid: metadata[Self.uidKey],
                        kept: KeptNote.volume(in: metadata, ofImage: image.id))
                }
            }
        } catch let error as VolumeError where error.code == .notFound {
            return nil
        }
    }

    public func restoreFromTrash(_ image: TrashedImage, as name: String) async throws {
        let what = "take image \(image.id) out of the trash as \(name)"
        let target = image.reference.named(name)
        do {
            try await call(what) { limit in
                try await images(in: image.place).restoreFromTrash(id: image.id, as: name, timeout: limit)
            }
        } catch let error as VolumeError where error.code == .notFound {
            guard try await inspect(target)?.id == image.id else { throw error }
        }
    }

    public func emptyTrash(_ image: TrashedImage, early: Bool) async throws {
        let what = "delete the image of the removed volume \(image.volume) (id \(image.id))"
        if !early, let until = image.keptUntil, call.clock.wallTime() < until {
            throw VolumeError(.conflict, what, why: "it is kept until \(until)", outcome: .refused)
        }
        if let found = try await look(at: image, what) {
            guard found.uid == image.uid else {
                throw VolumeError(
                    .foreignImage, what, why: "it is the image of another volume, with the uid \(found.uid)",
                    remedy: "bring it back with 'rbd trash restore'", outcome: .refused)
            }
            // Librbd would wait for the lock of a client that died with it, for ever where the OSD never forgets its watch.
            guard found.watchers.isEmpty else {
                throw VolumeError(
                    .busy, what, why: "it is watched by \(found.watchers.joined(separator: ", "))",
                    remedy: "another node is deleting it, or died while deleting it", outcome: .refused)
            }
        }
        do {
            try await call(what) { _ in
                try await images(in: image.place).removeFromTrash(id: image.id, force: early, timeout: Self.emptying)
            }
        } catch let error as VolumeError where error.code == .notFound {
            return
        }
    }

    /// Who has the image open, and the uid that it bears itself: anybody can have given it its name in the trash.
    /// - Returns: `nil` for one whose deletion has come so far that nothing can be read of it any more.
    private func look(at image: TrashedImage, _ what: String) async throws -> (uid: String, watchers: [String])? {
        do {
            return try await call(what) { limit in
                try await images(in: image.place).withImage(.id(image.id), .readOnly, timeout: limit) { opened in
                    let uid = try await opened.metadata(Self.uidKey, timeout: limit) ?? ""
                    let watchers = try await opened.watchers(timeout: limit).map { $0.address?.text ?? $0.client }
                    return (uid, watchers)
                }
            }
        } catch let error as VolumeError where error.code == .notFound {
            return nil
        }
    }

    private func images(in place: TrashPlace) -> RBDImages {
        RBDImages(ImageLocation(pool: place.pool, namespace: place.namespace), connection: call.connection)
    }
}

/// A line of an image's metadata that says what its volume was. A clone gets the metadata of its parent; the image's id in what is
/// noted says that it is not about the clone.
enum KeptNote {
    static let key = "rbd-plugin.kept"

    static func text(_ volume: KeptVolume) throws -> String {
        try volume.check()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(volume), as: UTF8.self)
    }

    /// - Returns: `nil` for what no plugin has written, or only a newer one can read.
    static func volume(in metadata: [String: String], ofImage id: String) -> KeptVolume? {
        guard let text = metadata[key],
            let volume = try? UntrustedJSON.decode(KeptVolume.self, from: [UInt8](text.utf8), deepest: 32),
            volume.stamp.isForThisVersion, volume.volume.stamp.isForThisVersion, volume.volume.imageID == id,
            (try? volume.check()) != nil
        else { return nil }
        return volume
    }
}
