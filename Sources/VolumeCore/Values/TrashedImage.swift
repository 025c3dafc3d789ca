/// The image of a removed volume that waits in Ceph's trash for its data to be deleted.
///
/// The name under which it came there says so, and whose it was. Whatever else is in the trash is somebody else's.
public struct TrashedImage: Sendable, Hashable {
    public var place: TrashPlace
    /// librbd's id of the image.
    public var id: String
    /// The volume that it was.
    public var volume: VolumeName
    /// The uid of that incarnation of the volume.
    public var uid: String

    /// - Parameter name: as the trash shows it.
    /// - Returns: `nil` for what this plugin has not put there.
    public init?(in place: TrashPlace, id: String, named name: String) {
        guard name.hasPrefix(VolumeRecord.removedPrefix) else { return nil }
        let rest = name.dropFirst(VolumeRecord.removedPrefix.count)
        guard let dot = rest.firstIndex(of: "."), dot > rest.startIndex,
            let volume = try? VolumeName(String(rest[rest.index(after: dot)...]))
        else { return nil }
        self.place = place
        self.id = id
        self.volume = volume
        uid = String(rest[..<dot])
    }
}

/// A pool, and a namespace in it (empty for the default one): each has a trash of its own.
public struct TrashPlace: Sendable, Hashable, Comparable {
    public var pool: String
    public var namespace: String

    public init(pool: String, namespace: String = "") {
        self.pool = pool
        self.namespace = namespace
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.pool, left.namespace) < (right.pool, right.namespace)
    }
}

extension ImageReference {
    /// Where the image would be trashed.
    public var trash: TrashPlace { TrashPlace(pool: pool, namespace: namespace) }
}
