/// What `trash/<name>` in etcd says: who is at the removed volumes of that name that the trash keeps. What is kept, Ceph alone says;
/// this decides between those who would restore it and those who would delete it.
public struct TrashClaims: Sendable, Hashable {
    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    /// By the uid of the volume.
    public var claims: [String: TrashClaim]
    /// What newer versions have recorded.
    public internal(set) var unknown = UnknownFields()

    public init(_ claims: [String: TrashClaim] = [:]) { self.claims = claims }
}

/// Somebody has begun to do something about a volume in the trash.
public struct TrashClaim: Sendable, Hashable {
    public enum Purpose: String, Sendable, Hashable, Codable, CaseIterable {
        case restoring, emptying
    }

    public var purpose: Purpose
    public var imageID: String
    public var pool: String
    public var namespace: String
    /// The name under which it is restored.
    public var name: VolumeName?
    /// Tells this attempt from every other.
    public var token: String
    public var by: String
    public var since: WallTime
    /// What newer versions have recorded.
    public internal(set) var unknown = UnknownFields()

    public init(
        _ purpose: Purpose, _ image: TrashedImage, as name: VolumeName? = nil, token: String, by: String,
        since: WallTime
    ) {
        self.purpose = purpose
        imageID = image.id
        pool = image.place.pool
        namespace = image.place.namespace
        self.name = name
        self.token = token
        self.by = by
        self.since = since
    }

    public var place: TrashPlace { TrashPlace(pool: pool, namespace: namespace) }
}

extension TrashClaims: StoredRecord {
    public var summary: String { "\(claims.count)" }

    public var keyName: String? { nil }

    public func check() throws(VolumeError) {
        for (uid, claim) in claims {
            try RecordForm.id(uid, "uid")
            try RecordForm.id(claim.imageID, "imageID")
            try RecordForm.id(claim.token, "token")
        }
    }

    /// The change that puts the claim of a volume, or takes it away with `nil`.
    public static func change(_ claim: TrashClaim?, of uid: String, in stored: StoredVolume) -> StoreChange {
        var all = stored.trash?.record ?? TrashClaims()
        all.claims[uid] = claim
        guard all.claims.isEmpty else { return StoreChange(trash: .put(all)) }
        return stored.trash == nil ? StoreChange() : StoreChange(trash: .delete)
    }
}

extension TrashClaims: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        claims = try fields.field("claims")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(claims, forKey: "claims")
    }
}

extension TrashClaim: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        purpose = try fields.kind("purpose")
        imageID = try fields.field("imageID")
        pool = try fields.field("pool")
        namespace = try fields.field("namespace", or: "")
        name = try fields.optional("name")
        token = try fields.field("token")
        by = try fields.field("by", or: "")
        since = try fields.field("since")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try fields.encode(purpose, forKey: "purpose")
        try fields.encode(imageID, forKey: "imageID")
        try fields.encode(pool, forKey: "pool")
        if !namespace.isEmpty { try fields.encode(namespace, forKey: "namespace") }
        try fields.encodeIfPresent(name, forKey: "name")
        try fields.encode(token, forKey: "token")
        try fields.encode(by, forKey: "by")
        try fields.encode(since, forKey: "since")
    }
}
