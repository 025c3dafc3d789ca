/// All that a volume was, as its image says it in the trash. Whatever becomes of etcd meanwhile, the volume can be restored.
public struct KeptVolume: Sendable, Hashable {
    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    /// The volume before its removal began.
    public var volume: VolumeRecord
    public var term: TrashTerm
    /// What its policy said then, should that be gone by the time the volume is restored.
    public var policyValues: RuntimeSettings
    /// What newer versions have noted of it.
    public internal(set) var unknown = UnknownFields()

    public init(_ volume: VolumeRecord, term: TrashTerm, policyValues: RuntimeSettings = RuntimeSettings()) {
        self.volume = volume
        self.term = term
        self.policyValues = policyValues
    }

    /// The volume as it is recorded while it comes back under that name: it is on its way into the trash until it is whole.
    /// - Parameter hasPolicy: whether its policy is there.
    public func returning(as name: VolumeName, hasPolicy: Bool) -> VolumeRecord {
        var record = volume
        record.name = name
        record.phase = .removing
        record.trash = term
        record.trash?.isReturning = true
        if !hasPolicy, record.policy != nil {
            record.policy = nil
            record.runtime = record.runtime.over(policyValues)
        }
        return record
    }
}

extension KeptVolume: CheckedRecord {
    public var keyName: String? { nil }

    /// - Throws: `VolumeError` for what the plugin would not have noted.
    public func check() throws(VolumeError) {
        try volume.check()
        try policyValues.check()
        guard volume.phase == .ready, volume.trash == nil, volume.imageID != nil else {
            throw VolumeError(
                .unexplained, "use what the image says of its volume", why: "that was not ready", outcome: .refused)
        }
    }
}

extension KeptVolume: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        volume = try fields.field("volume")
        term = try fields.field("term")
        policyValues = try fields.field("policyValues", or: RuntimeSettings())
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(volume, forKey: "volume")
        try fields.encode(term, forKey: "term")
        if !policyValues.isEmpty { try fields.encode(policyValues, forKey: "policyValues") }
    }
}

/// An image in the trash that the plugin keeps, as it is found there.
public struct KeptImage: Sendable, Hashable {
    public var image: TrashedImage
    /// Of the image.
    public var size: VolumeSize
    /// The uid that the image bears.
    public var uid: String?
    /// What it says of its volume; `nil` where it says nothing that this version can read.
    public var kept: KeptVolume?

    public init(image: TrashedImage, size: VolumeSize, uid: String?, kept: KeptVolume?) {
        self.image = image
        self.size = size
        self.uid = uid
        self.kept = kept
    }
}
