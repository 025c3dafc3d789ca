// The JSON form of records in etcd. An older version's record lacks newer fields: they get defaults. A newer version's record
// has fields that this version does not know: it keeps them.

extension VolumeRecord: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        ownStamp = try RecordStamp(&fields).openToOlder
        name = try Self.name(try fields.field("name"), given: try fields.optional("givenName"))
        uid = try fields.field("uid")
        phase = try fields.kind("phase")
        spec = try fields.field("spec")
        options = try fields.field("options", or: [:])
        createdAt = try fields.field("createdAt", or: "")
        imageID = try fields.optional("imageID")
        let isAdopted: Bool = try fields.field("adopted", or: false)
        origin = Self.origin(isAdopted: isAdopted, try fields.optional("clonedFrom"))
        attempt = try fields.optional("attempt")
        abandoned = try fields.field("abandoned", or: [])
        epoch = try fields.field("epoch")
        isProtected = try fields.field("protected", or: false)
        createdSize = try fields.optional("createdSize")
        grownAt = try fields.optional("grownAt")
        trimmedAt = try fields.optional("trimmedAt")
        heldFor = try fields.optional("heldFor")
        trash = try fields.optional("trash")
        schedule = try fields.optional("schedule")
        policy = try fields.optional("policy")
        runtime = try fields.field("runtime", or: RuntimeSettings())
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(name, forKey: "name")
        if name.given != name.text { try fields.encode(name.given, forKey: "givenName") }
        try fields.encode(uid, forKey: "uid")
        try fields.encode(phase, forKey: "phase")
        try fields.encode(spec, forKey: "spec")
        try fields.encode(options, forKey: "options")
        try fields.encode(createdAt, forKey: "createdAt")
        try fields.encodeIfPresent(imageID, forKey: "imageID")
        try fields.encode(adopted, forKey: "adopted")
        try fields.encodeIfPresent(clonedFrom, forKey: "clonedFrom")
        try fields.encodeIfPresent(attempt, forKey: "attempt")
        try fields.encode(abandoned, forKey: "abandoned")
        try fields.encode(epoch, forKey: "epoch")
        if isProtected { try fields.encode(true, forKey: "protected") }
        try fields.encodeIfPresent(createdSize, forKey: "createdSize")
        try fields.encodeIfPresent(grownAt, forKey: "grownAt")
        try fields.encodeIfPresent(trimmedAt, forKey: "trimmedAt")
        try fields.encodeIfPresent(heldFor, forKey: "heldFor")
        try fields.encodeIfPresent(trash, forKey: "trash")
        try fields.encodeIfPresent(schedule, forKey: "schedule")
        try fields.encodeIfPresent(policy, forKey: "policy")
        if !runtime.isEmpty { try fields.encode(runtime, forKey: "runtime") }
    }
}

extension VolumeRecord {
    private static func origin(isAdopted: Bool, _ clone: CloneOrigin?) -> Origin {
        if let clone { return .cloned(clone) }
        return isAdopted ? .adopted : .blank
    }

    /// - Parameter given: how Docker knows the volume, where that is otherwise.
    private static func name(_ name: VolumeName, given: String?) throws -> VolumeName {
        guard let given else { return name }
        let whole = try VolumeName(given: given)
        guard whole == name else { throw UnfitName(name: name.text, given: given) }
        return whole
    }

    private struct UnfitName: Error, CustomStringConvertible {
        let name: String
        let given: String

        var description: String {
            "\(ShownText.quoted(given)) is no other way to give the name \(ShownText.quoted(name))"
        }
    }
}

extension VolumeSpec: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        pool = try fields.field("pool")
        namespace = try fields.field("namespace", or: "")
        dataPool = try fields.field("dataPool", or: "")
        size = try fields.field("size")
        order = try fields.field("order")
        features = try fields.field("features")
        stripeUnit = try fields.optional("stripeUnit")
        stripeCount = try fields.optional("stripeCount")
        filesystem = try fields.kind("filesystem")
        mkfsOptions = try fields.field("mkfsOptions", or: [])
        mountOptions = try fields.field("mountOptions", or: [])
        mapOptions = try fields.field("mapOptions", or: [])
        uid = try fields.optional("uid")
        gid = try fields.optional("gid")
        mode = try fields.optional("mode")
        access = try fields.optionalKind("access") ?? .readWrite
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try fields.encode(pool, forKey: "pool")
        try fields.encode(namespace, forKey: "namespace")
        try fields.encode(dataPool, forKey: "dataPool")
        try fields.encode(size, forKey: "size")
        try fields.encode(order, forKey: "order")
        try fields.encode(features, forKey: "features")
        try fields.encodeIfPresent(stripeUnit, forKey: "stripeUnit")
        try fields.encodeIfPresent(stripeCount, forKey: "stripeCount")
        try fields.encode(filesystem, forKey: "filesystem")
        try fields.encode(mkfsOptions, forKey: "mkfsOptions")
        try fields.encode(mountOptions, forKey: "mountOptions")
        try fields.encode(mapOptions, forKey: "mapOptions")
        try fields.encodeIfPresent(uid, forKey: "uid")
        try fields.encodeIfPresent(gid, forKey: "gid")
        try fields.encodeIfPresent(mode, forKey: "mode")
        if access != .readWrite { try fields.encode(access.rawValue, forKey: "access") }
    }
}

extension Attachment: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        stamp = try RecordStamp(&fields)
        volumeUID = try fields.field("volumeUID")
        owner = try fields.field("owner")
        epoch = try fields.field("epoch")
        state = try fields.kind("state")
        mapper = try fields.optional("mapper")
        device = try fields.optional("device")
        clients = try fields.field("clients")
        writersAreNoted = try fields.optional("writersAreNoted")
        mountpoint = try fields.optional("mountpoint")
        mountIDs = try fields.field("mountIDs", or: [:])
        since = try fields.field("since", or: "")
        fenced = try fields.optional("fenced")
        wantedBy = try fields.optional("wantedBy")
        inForce = ValuesInForce(
            try fields.field("applied", or: RuntimeSettings()), reason: try fields.optional("unappliedReason"))
        growthReason = try fields.optional("growthReason")
        autogrowReason = try fields.optional("autogrowReason")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try stamp.encode(to: &fields)
        try fields.encode(volumeUID, forKey: "volumeUID")
        try fields.encode(owner, forKey: "owner")
        try fields.encode(epoch, forKey: "epoch")
        try fields.encode(state, forKey: "state")
        try fields.encodeIfPresent(mapper, forKey: "mapper")
        try fields.encodeIfPresent(device, forKey: "device")
        try fields.encode(clients, forKey: "clients")
        try fields.encodeIfPresent(writersAreNoted, forKey: "writersAreNoted")
        try fields.encodeIfPresent(mountpoint, forKey: "mountpoint")
        try fields.encode(mountIDs, forKey: "mountIDs")
        try fields.encode(since, forKey: "since")
        try fields.encodeIfPresent(fenced, forKey: "fenced")
        try fields.encodeIfPresent(wantedBy, forKey: "wantedBy")
        if !inForce.values.isEmpty { try fields.encode(inForce.values, forKey: "applied") }
        try fields.encodeIfPresent(inForce.reason, forKey: "unappliedReason")
        try fields.encodeIfPresent(growthReason, forKey: "growthReason")
        try fields.encodeIfPresent(autogrowReason, forKey: "autogrowReason")
    }
}

extension Attachment.Fenced: Codable {
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        owner = try fields.field("owner")
        epoch = try fields.field("epoch")
        clients = try fields.field("clients")
        mayBeIncomplete = try fields.field("mayBeIncomplete")
        writersAreNoted = try fields.optional("writersAreNoted")
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        try fields.encode(owner, forKey: "owner")
        try fields.encode(epoch, forKey: "epoch")
        try fields.encode(clients, forKey: "clients")
        try fields.encode(mayBeIncomplete, forKey: "mayBeIncomplete")
        try fields.encodeIfPresent(writersAreNoted, forKey: "writersAreNoted")
    }
}
