/// The image of a removed volume in Ceph's trash: it waits for its data to be deleted, or is kept there for some time.
///
/// The name under which it came there says which, and whose it was. Whatever else is in the trash is somebody else's.
public struct TrashedImage: Sendable, Hashable {
    public var place: TrashPlace
    /// librbd's id of the image.
    public var id: String
    /// The volume that it was.
    public var volume: VolumeName
    /// The uid of that incarnation of the volume.
    public var uid: String

    /// Until when it is kept; `nil` for one that only waits to be deleted.
    public var keptUntil: WallTime?

    /// - Parameters:
    ///   - name: as the trash shows it.
    ///   - protectedUntil: by Ceph's own note of it. Where that is later than the name says, it counts.
    /// - Returns: `nil` for what this plugin has not put there.
    public init?(in place: TrashPlace, id: String, named name: String, protectedUntil: WallTime? = nil) {
        var rest = Substring(name)
        if rest.hasPrefix(VolumeRecord.removedPrefix) {
            rest = rest.dropFirst(VolumeRecord.removedPrefix.count)
        } else if rest.hasPrefix(VolumeRecord.keptPrefix) {
            rest = rest.dropFirst(VolumeRecord.keptPrefix.count)
            guard let seconds = DecimalNumber<UInt64>(Self.part(of: &rest))?.value, seconds <= 1 << 40 else {
                return nil
            }
            let until = WallTime(seconds: Int64(seconds))
            keptUntil = max(until, protectedUntil ?? until)
        } else {
            return nil
        }
        uid = String(Self.part(of: &rest))
        guard !uid.isEmpty, let volume = try? VolumeName(String(rest)) else { return nil }
        self.place = place
        self.id = id
        self.volume = volume
    }

    /// One that is known to be the image of that volume.
    public init(in place: TrashPlace, id: String, of volume: VolumeName, uid: String, keptUntil: WallTime? = nil) {
        self.place = place
        self.id = id
        self.volume = volume
        self.uid = uid
        self.keptUntil = keptUntil
    }

    /// Takes what stands before the next dot away, and the dot.
    private static func part(of rest: inout Substring) -> Substring {
        guard let dot = rest.firstIndex(of: ".") else { return "" }
        defer { rest = rest[rest.index(after: dot)...] }
        return rest[..<dot]
    }

    /// As what the snapshots of the image are asked for.
    public var reference: ImageReference {
        ImageReference(pool: place.pool, namespace: place.namespace, name: volume.text)
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
