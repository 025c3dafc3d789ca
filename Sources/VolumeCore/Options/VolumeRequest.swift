/// A Create as it was asked for: the options that were given, checked, and what they make with the defaults.
public struct VolumeRequest: Sendable, Hashable {
    public let spec: VolumeSpec
    /// The options that the user gave, for telling a repeated Create from a contradicting one.
    public let given: Set<VolumeOption>
    /// Those, and what the policy says: where the defaults count no more.
    public let decided: Set<VolumeOption>
    /// The options by the plugin's names, in the words of the user.
    public let options: [String: String]
    /// Whether an existing image of that name, which no volume owns, is to be taken over with its content.
    public let adoption: Adoption
    public var adopt: Bool { adoption != .none }
    /// What the volume is to be made out of.
    public var clone: AskedClone? { asked.clone }
    /// Whether the volume is to be kept from being removed until an operator lifts that.
    public let isProtected: Bool

    /// The policy that the volume is to follow.
    public var policy: PolicyName? { described?.name ?? asked.policy }
    /// What it says, of a volume that is new.
    private let described: NamedPolicy?
    private let asked: AskedOptions
    /// The volume's own values that can be changed while it is in use.
    public var runtime: RuntimeSettings { asked.runtime }

    /// What options make of a volume that is not there yet. Decides by them alone: pools and capacity are checked later.
    /// - Throws: `VolumeError` with code `invalidOption` for an unknown option, a bad value, a missing pool
    ///   or options that are too long.
    public init(
        options: [String: String], defaults: VolumeDefaults, policy: NamedPolicy? = nil
    ) throws(VolumeError) {
        try self.init(AskedOptions(options), defaults: defaults, policy: policy)
    }

    /// The same. What is given goes before what the policy says, and that before the defaults.
    /// - Throws: `VolumeError` with code `invalidOption` for a missing pool, for values that cannot go together, and for a size that
    ///   the policy does not allow.
    public init(_ asked: AskedOptions, defaults: VolumeDefaults, policy: NamedPolicy?) throws(VolumeError) {
        let values = asked.given.merging(Self.suggested(by: policy, beside: asked)) { given, _ in given }
        try self.init(asked, values, defaults, policy)
        try spec.checkMapOptions()
        if asked.clone != nil {
            // What it is to be, the volume decides as well that it is made out of.
        } else if adoption == .none {
            try spec.checkAsNew()
            try policy?.check(spec.size, "create the volume")
        } else if values[.fstype] != nil {
            // Else whose options they are is not known before the image that is adopted has been looked at.
            try spec.checkMountOptions()
        }
        let inForce = policy.map { asked.runtime.over($0.policy.runtime) } ?? asked.runtime
        if let contradiction = inForce.contradiction {
            throw VolumeError.refusedCreate(contradiction, remedy: "change one of the values")
        }
    }

    /// What options ask of a volume that is recorded already: a Create that is repeated says no more than it did the first time,
    /// whatever has become of the policy and of the defaults since.
    public init(_ asked: AskedOptions, repeating record: VolumeRecord, defaults: VolumeDefaults) throws(VolumeError) {
        var defaults = defaults
        defaults.pool = record.spec.pool
        try self.init(asked, asked.given, defaults, nil)
    }

    private init(
        _ asked: AskedOptions, _ values: [VolumeOption: String], _ defaults: VolumeDefaults, _ policy: NamedPolicy?
    ) throws(VolumeError) {
        guard let pool = values[.pool] ?? defaults.pool else {
            throw VolumeError.refusedCreate(
                "no pool is given", remedy: "add '-o pool=NAME', or set RBD_DEFAULT_POOL for the plugin")
        }
        var spec = VolumeSpec(
            pool: try OptionValues.read(.pool, pool, ValueReader.place), size: defaults.size, order: defaults.order,
            features: defaults.features, filesystem: defaults.filesystem)
        (adoption, isProtected) = try spec.take(values)
        if values[.mountOptions] == nil { spec.mountOptions = defaults.mountOptions[spec.filesystem] }
        if adoption == .none, values[.mkfsOptions] == nil {
            spec.mkfsOptions = defaults.mkfsOptions[spec.filesystem]
        }
        self.spec = spec
        self.asked = asked
        described = policy
        options = asked.recorded
        given = Set(asked.given.keys)
        decided = Set(values.keys)
    }

    /// Checks what the volume is to be once the image that it takes over is known.
    /// - Throws: `VolumeError` with code `invalidOption`.
    public func checkPolicy(of record: VolumeRecord) throws(VolumeError) {
        try described?.check(record.spec.size, "create volume \(record.name)")
    }

    /// What the policy says of its volumes. Its options for mkfs are for the filesystem that it names.
    private static func suggested(by policy: NamedPolicy?, beside asked: AskedOptions) -> [VolumeOption: String] {
        guard var options = policy?.policy.create.options else { return [:] }
        if let filesystem = asked.given[.fstype], let theirs = options[.fstype],
            filesystem.lowercased() != theirs.lowercased()
        {
            options[.mkfsOptions] = nil
        }
        return options
    }

    /// librbd allows twice as many; making a map of that size takes longer than a call may. To delete them all, should all
    /// have been written, takes four hours with one fast OSD, which deletes ten thousand a second.
    private static let mostMappedObjects: UInt64 = 1 << 27

    /// Without a map a removal asks for each object that there could be, also of an empty image: half an hour with one fast
    /// OSD, and hours with a slow one. An ext4 of 64T in objects of 4 MiB has exactly as many.
    private static let mostUnmappedObjects: UInt64 = 1 << 24

    static func checkSize(of spec: VolumeSpec) throws(VolumeError) {
        let minimum = spec.filesystem.facts.minimumSize
        if spec.size < minimum {
            throw VolumeError.refusedCreate(
                "\(spec.size) is too small for \(spec.filesystem.rawValue), which needs at least \(minimum)",
                remedy: "give a larger size, such as '-o size=\(minimum)'")
        }
        let maximum = spec.filesystem.facts.maximumSize
        if spec.size > maximum {
            throw VolumeError.refusedCreate(
                "\(spec.size) is too large for \(spec.filesystem.rawValue), which allows volumes of up to \(maximum)",
                remedy: "use '-o fstype=xfs', or a smaller size")
        }
        try checkObjects(of: spec)
    }

    static func checkObjects(of spec: VolumeSpec) throws(VolumeError) {
        let isMapped = spec.features.contains(.objectMap)
        let most = isMapped ? mostMappedObjects : mostUnmappedObjects
        guard spec.size.bytes >> UInt64(spec.order) > most else { return }
        let bound =
            isMapped
            ? "an object map can have" : "can be deleted in reasonable time without the feature object-map"
        throw VolumeError.refusedCreate(
            "\(spec.size) in objects of 2^\(spec.order) bytes is more than the \(most) objects that \(bound)",
            remedy: isMapped
                ? "use larger objects ('-o order=25'), or a smaller size"
                : "add exclusive-lock,object-map to the features, or use larger objects ('-o order=25') or a smaller size"
        )
    }
}

extension VolumeSpec {
    /// - Throws: `VolumeError` with code `invalidOption`. The values of records are read so as well.
    mutating func set(_ option: VolumeOption, _ value: String) throws(VolumeError) {
        switch option {
        case .pool: pool = try OptionValues.read(.pool, value, ValueReader.place)
        case .size: size = try OptionValues.read(.size, value, ValueReader.size)
        case .fstype: filesystem = try OptionValues.read(.fstype, value, ValueReader.filesystem)
        case .order: order = try OptionValues.read(.order, value, ValueReader.order)
        case .features: features = try OptionValues.read(.features, value, ValueReader.features)
        case .dataPool: dataPool = try OptionValues.read(.dataPool, value, ValueReader.place)
        case .namespace: namespace = value.isEmpty ? "" : try OptionValues.read(.namespace, value, ValueReader.place)
        case .stripeUnit: stripeUnit = try OptionValues.read(.stripeUnit, value, ValueReader.stripeUnit)
        case .stripeCount: stripeCount = try OptionValues.read(.stripeCount, value, ValueReader.stripeCount)
        case .mkfsOptions: mkfsOptions = try OptionValues.mkfsWords(value)
        case .mountOptions: mountOptions = try OptionValues.mountWords(value)
        case .mapOptions: mapOptions = try OptionValues.commaSeparated(.mapOptions, value)
        case .uid: uid = try OptionValues.identifier(.uid, value)
        case .gid: gid = try OptionValues.identifier(.gid, value)
        case .mode: mode = try OptionValues.mode(value)
        case .access: access = try OptionValues.read(.access, value, ValueReader.access)
        case .adopt, .from, .fromSnapshot, .protect, .policy: break
        }
    }
}

extension VolumeRequest {
    /// The first option that was given and that `recorded` has otherwise, as `(option, what it has)`.
    ///
    /// Values that can be changed while the volume is in use are the affair of an operator from its creation on. A volume keeps the
    /// policy that it was created with, also when an operator has removed that one since.
    public func contradiction(to recorded: VolumeRecord) -> (option: VolumeOption, has: String)? {
        if given.contains(.policy), let policy, policy != recorded.policy,
            policy.text != recorded.options[VolumeOption.policy.rawValue]
        {
            return (.policy, recorded.policy?.text ?? "")
        }
        return clone?.contradiction(to: recorded.origin)
            ?? contradiction(to: recorded.spec, createdSize: recorded.createdSize)
    }

    /// The first option that was given and that `existing` has otherwise, as `(option, what it has)`.
    ///
    /// A Create repeated by another node of a Swarm gives the same options; options it does not give match anything.
    /// - Parameter createdSize: of a volume that has grown since: it matches as well.
    public func contradiction(
        to existing: VolumeSpec, createdSize: VolumeSize? = nil
    ) -> (option: VolumeOption, has: String)? {
        for option in VolumeOption.allCases where given.contains(option) {
            if option == .size, spec.size == createdSize { continue }
            if let has = difference(option, existing) { return (option, has) }
        }
        return nil
    }

    private func difference(_ option: VolumeOption, _ existing: VolumeSpec) -> String? {
        switch option {
        case .pool: spec.pool == existing.pool ? nil : existing.pool
        case .size: adopt || spec.size == existing.size ? nil : "\(existing.size)"
        case .fstype: spec.filesystem == existing.filesystem ? nil : existing.filesystem.rawValue
        case .order: adopt || spec.order == existing.order ? nil : "\(existing.order)"
        case .features:
            adopt || spec.features == existing.features ? nil : existing.features.names.joined(separator: ",")
        case .stripeUnit: adopt || spec.stripeUnit == existing.stripeUnit ? nil : Self.shown(existing.stripeUnit)
        case .stripeCount: adopt || spec.stripeCount == existing.stripeCount ? nil : Self.shown(existing.stripeCount)
        case .dataPool: spec.dataPool == existing.dataPool ? nil : existing.dataPool
        case .namespace: spec.namespace == existing.namespace ? nil : existing.namespace
        case .mkfsOptions: spec.mkfsOptions == existing.mkfsOptions ? nil : existing.mkfsOptions.joined(separator: " ")
        case .mountOptions:
            spec.mountOptions == existing.mountOptions ? nil : existing.mountOptions.joined(separator: ",")
        case .mapOptions: spec.mapOptions == existing.mapOptions ? nil : existing.mapOptions.joined(separator: ",")
        case .uid: spec.uid == existing.uid ? nil : existing.uid.map { "\($0)" } ?? "none"
        case .gid: spec.gid == existing.gid ? nil : existing.gid.map { "\($0)" } ?? "none"
        case .mode: spec.mode == existing.mode ? nil : existing.mode.map { "0" + String($0, radix: 8) } ?? "none"
        case .access: spec.access == existing.access ? nil : existing.access.rawValue
        // Of the volume's protection an operator decides from its creation on.
        case .adopt, .from, .fromSnapshot, .protect, .policy: nil
        }
    }

    private static func shown(_ number: UInt64?) -> String { number.map { "\($0)" } ?? "none" }
}
