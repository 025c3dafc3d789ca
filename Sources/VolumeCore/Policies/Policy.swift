/// A class of volumes, as an administrator describes it: what its new volumes are, and what all of them follow while they are in
/// use. `policies/<name>` in etcd says it.
public struct Policy: Sendable, Hashable {
    /// Which versions may act on it.
    public internal(set) var stamp = RecordStamp()
    /// Is copied into a volume when the volume is created.
    public var create = PolicyCreate()
    /// Holds of every volume of the policy, from then on, where the volume has no value of its own.
    public var runtime = RuntimeSettings()
    /// What newer versions have recorded of it.
    public internal(set) var unknown = UnknownFields()

    public init(create: PolicyCreate = PolicyCreate(), runtime: RuntimeSettings = RuntimeSettings()) {
        self.create = create
        self.runtime = runtime
    }

    /// What it says, a line for each value: `create.size`, `20G`.
    public var values: [(key: String, value: String)] {
        create.all.map { ("create.\($0.key)", $0.value) }
            + runtime.all.map { ("runtime.\($0.option.rawValue)", $0.value) }
    }

    /// The same with what `stored`, which it is to take the place of, says beyond what this version knows.
    public func inPlace(of stored: Policy) -> Policy {
        var policy = self
        policy.stamp = stored.stamp
        policy.unknown = stored.unknown
        policy.create.unknown = stored.create.unknown
        policy.runtime = runtime.inPlace(of: stored.runtime)
        return policy
    }

    /// How far a volume of the policy grows by itself: no further than it may be resized.
    public func bounding(_ autogrow: Autogrow) -> Autogrow {
        Autogrow(at: autogrow.at, by: autogrow.by, max: min(autogrow.max, create.maxSize ?? autogrow.max))
    }

    /// Values that cannot go together.
    /// - Returns: a sentence; `nil` when they can.
    public var contradiction: String? {
        create.contradiction ?? runtime.contradiction ?? autogrowContradiction
    }

    private var autogrowContradiction: String? {
        guard let most = create.maxSize, let autogrow = runtime.autogrow, autogrow.max > most else { return nil }
        return "autogrow.max=\(autogrow.max) is more than max-size=\(most)"
    }
}

extension Policy: CheckedRecord {
    public var keyName: String? { nil }

    /// Whether the values can go together is asked of what people upload, and of each volume. A policy that an earlier version let
    /// in stays readable.
    public func check() throws(VolumeError) {
        try create.check()
        try runtime.check()
    }
}

extension Policy: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        create = try fields.field("create", or: PolicyCreate())
        runtime = try fields.field("runtime", or: RuntimeSettings())
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try encodeParts(to: &fields)
    }

    fileprivate func encodeParts(to fields: inout KeyedEncodingContainer<RecordField>) throws {
        if !create.isEmpty { try fields.encode(create, forKey: "create") }
        if !runtime.isEmpty { try fields.encode(runtime, forKey: "runtime") }
    }
}

/// A policy as people read and write it: without what belongs to the record.
public struct PolicyDocument: Encodable {
    private let policy: Policy

    public init(_ policy: Policy) { self.policy = policy }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try policy.encodeParts(to: &fields)
    }
}
