/// A policy as somebody wrote it down, and what there is to say of the text. Our own form and volplugin's are read alike.
public struct PolicyReading: Sendable, Hashable {
    public let policy: Policy
    /// In the order of the keys.
    public let notes: [PolicyNote]

    init(_ text: KeptValue) throws(VolumeError) {
        var reader = PolicyReader()
        try reader.read(text)
        (policy, notes) = (reader.policy, reader.notes)
    }
}

extension PolicyReading: Decodable {
    /// - Throws: `VolumeError` with code `invalidOption` for a key that is not known, a value that cannot be and values that
    ///   contradict each other.
    public init(from decoder: any Decoder) throws { try self.init(KeptValue(from: decoder)) }
}

/// What has become of a key that is not one of ours.
public struct PolicyNote: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// It means this one of ours.
        case translated(to: String)
        /// The reason.
        case meaningless(String)
    }

    public let key: String
    public let kind: Kind

    public var description: String {
        switch kind {
        case .translated(let ours): "'\(ShownText.shown(key))' is read as \(ours)"
        case .meaningless(let why): "'\(ShownText.shown(key))' has no meaning here: \(why)"
        }
    }
}

extension VolumeError {
    static func unfitPolicy(_ why: String, remedy: String = "") -> VolumeError {
        VolumeError(.invalidOption, "use the policy", why: why, remedy: remedy, outcome: .refused)
    }
}

/// Puts a policy together, key by key.
struct PolicyReader {
    private(set) var policy = Policy()
    private(set) var notes: [PolicyNote] = []
    /// The key that each of our values came from.
    private var sources: [String: String] = [:]
    /// volplugin's commands that make filesystems, by the names that it has for these.
    private var filesystems: [String: String] = [:]

    mutating func read(_ text: KeptValue) throws(VolumeError) {
        guard case .object(let fields) = text else {
            throw VolumeError.unfitPolicy("it is no JSON object", remedy: Self.example)
        }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            switch key {
            case "create": try readCreate(value)
            case "runtime": try readRuntime(value)
            case "driver": try readDriver(value)
            case "backends": try readBackends(value)
            case "filesystems": try readFilesystems(value)
            default: try readOther(key)
            }
        }
        try useFilesystems()
        try policy.check()
        if let contradiction = policy.contradiction {
            throw VolumeError.unfitPolicy(contradiction, remedy: "change one of the values")
        }
    }

    private static let example =
        #"write for example {"create": {"pool": "rbd", "size": "20G"}, "runtime": {"iops": "500"}}"#

    private mutating func readOther(_ key: String) throws(VolumeError) {
        switch key {
        case "name": note(key, "a policy has the name that it is uploaded under")
        case "unlocked": note(key, "at most one node at a time mounts a volume")
        case "schema", "reader", "write": note(key, "it belongs to the record in etcd")
        default: throw Self.unknown(key, in: "", among: ["create", "runtime", "driver", "backends", "filesystems"])
        }
    }

    private mutating func note(_ key: String, _ why: String) { notes.append(.init(key: key, kind: .meaningless(why))) }

    private static func unknown(_ name: String, in part: String, among known: [String]) -> VolumeError {
        let nearest = NearestName.of(name.lowercased(), among: known)
        return VolumeError.unfitPolicy(
            "it has the key \(ShownText.quoted(part + name)), which is not known",
            remedy: (nearest.map { "did you mean '\(part)\($0)'? " } ?? "")
                + "known are \(known.joined(separator: ", "))")
    }
}

// MARK: - Our own keys

extension PolicyReader {
    private mutating func readCreate(_ value: KeptValue) throws(VolumeError) {
        for (name, value) in try Self.fields(of: value, "create") {
            let key = "create.\(name)"
            if name == PolicyCreate.maxSizeName {
                policy.create.maxSize = try Self.size(value, key)
            } else if name == PolicyCreate.maxTotalName {
                policy.create.maxTotal = try Self.size(value, key)
            } else if let option = VolumeOption(name: name) {
                try set(option, try Self.text(value, key, joinedBy: option == .mkfsOptions ? " " : ","), from: key)
            } else {
                throw Self.unknown(name, in: "create.", among: PolicyCreate.names)
            }
        }
    }

    private static func size(_ value: KeptValue, _ key: String) throws(VolumeError) -> VolumeSize {
        let text = try text(value, key)
        do throws(UnfitText) {
            return try ValueReader.size(text)
        } catch {
            throw VolumeError.unfitPolicy("\(key) is \(ShownText.quoted(text)), not \(error.accepts)")
        }
    }

    private mutating func set(_ option: VolumeOption, _ text: String, from key: String) throws(VolumeError) {
        let ours = "create.\(option.rawValue)"
        if let other = policy.create.options[option], other != text { throw twice(ours, key) }
        try policy.create.set(option, text)
        came(ours, from: key)
    }

    private mutating func readRuntime(_ value: KeptValue) throws(VolumeError) {
        let leaves = try Self.leaves(of: value, "runtime")
        let takesNone = leaves.contains { $0.name == "snapshots" && $0.value == .bool(false) }
        for (name, value) in leaves {
            let key = "runtime.\(name)"
            if takesNone, name.hasPrefix("snapshot."), [.text(""), .integer(0)].contains(value) {
                note(key, "no snapshots are to be taken")
            } else if let option = RuntimeOption(name: name) {
                try set(option, try Self.text(value, key), from: key, isForeign: name.hasPrefix("rate"))
            } else {
                throw Self.unknown(name, in: "runtime.", among: RuntimeOption.allCases.map(\.rawValue))
            }
        }
    }

    private mutating func set(
        _ option: RuntimeOption, _ text: String, from key: String, isForeign: Bool
    ) throws(VolumeError) {
        let ours = "runtime.\(option.rawValue)"
        if isForeign, text == "0" { return note(key, "0 is no limit") }
        let before = policy.runtime[option]
        try policy.runtime.set(option, text)
        if let before, before != policy.runtime[option] { throw twice(ours, key) }
        came(ours, from: key)
    }

    private mutating func came(_ ours: String, from key: String) {
        sources[ours] = key
        if OptionName.plain(ours) != OptionName.plain(key) {
            notes.append(.init(key: key, kind: .translated(to: ours)))
        }
    }

    private func twice(_ ours: String, _ key: String) -> VolumeError {
        VolumeError.unfitPolicy(
            "\(ours) is given twice with different values, as \(ShownText.quoted(sources[ours] ?? ours)) and as"
                + " \(ShownText.quoted(key))", remedy: "give one of them")
    }
}

// MARK: - volplugin's keys

extension PolicyReader {
    private mutating func readDriver(_ value: KeptValue) throws(VolumeError) {
        for (name, value) in try Self.fields(of: value, "driver") {
            let key = "driver.\(name)"
            if name == "pool" {
                try set(.pool, try Self.text(value, key), from: key)
            } else {
                note(key, "it is an option of volplugin's own drivers")
            }
        }
    }

    private mutating func readBackends(_ value: KeptValue) throws(VolumeError) {
        for (name, value) in try Self.fields(of: value, "backends") {
            let key = "backends.\(name)"
            let text = try Self.text(value, key)
            guard ["", "ceph"].contains(text.lowercased()) else {
                throw VolumeError.unfitPolicy(
                    "\(ShownText.quoted(key)) is \(ShownText.quoted(text)), and this plugin keeps volumes in Ceph alone",
                    remedy: "use volumes of another plugin for that")
            }
            note(key, "volumes are always in Ceph")
        }
    }

    private mutating func readFilesystems(_ value: KeptValue) throws(VolumeError) {
        for (name, value) in try Self.fields(of: value, "filesystems") {
            filesystems[name] = try Self.text(value, "filesystems.\(name)")
        }
    }

    /// Of volplugin's filesystems a volume gets the one that `create.filesystem` names, and ext4 without that.
    private mutating func useFilesystems() throws(VolumeError) {
        guard !filesystems.isEmpty else { return }
        let chosen = policy.create.options[.fstype] ?? FilesystemType.ext4.rawValue
        for (name, command) in filesystems.sorted(by: { $0.key < $1.key }) {
            let key = "filesystems.\(name)"
            guard name.lowercased() == chosen.lowercased() else {
                note(key, "the volumes of this policy have another filesystem")
                continue
            }
            guard let words = Self.mkfsWords(command, name) else {
                throw VolumeError.unfitPolicy(
                    "\(ShownText.quoted(key)) is \(ShownText.quoted(command)), which is not 'mkfs.\(name) OPTIONS %'",
                    remedy: "give its options as create.mkfs-options")
            }
            if policy.create.options[.fstype] == nil { try set(.fstype, name, from: key) }
            if !words.isEmpty { try set(.mkfsOptions, words.joined(separator: " "), from: key) }
        }
    }

    /// The options in a command such as `mkfs.ext4 -m0 %`; `nil` for anything else. It is not run: what a shell would make of it
    /// says nothing here.
    private static func mkfsWords(_ command: String, _ filesystem: String) -> [String]? {
        let words = command.split(separator: " ").map(String.init)
        guard let program = words.first, program.split(separator: "/").last == "mkfs.\(filesystem)",
            words.last == "%", command.allSatisfy({ !";|&$`<>\"'\\\n".contains($0) })
        else { return nil }
        return Array(words.dropFirst().dropLast())
    }
}

// MARK: - JSON

extension PolicyReader {
    private typealias Field = (name: String, value: KeptValue)

    /// Without those that are `null`.
    private static func fields(of value: KeptValue, _ key: String) throws(VolumeError) -> [Field] {
        guard case .object(let fields) = value else {
            throw VolumeError.unfitPolicy("\(ShownText.quoted(key)) is no JSON object", remedy: example)
        }
        return fields.filter { $0.value != .null }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The same, with those of the objects in it: `autogrow.at`.
    private static func leaves(of value: KeptValue, _ key: String) throws(VolumeError) -> [Field] {
        var leaves: [Field] = []
        for (name, value) in try fields(of: value, key) {
            guard case .object = value else {
                leaves.append((name, value))
                continue
            }
            leaves += try self.leaves(of: value, "\(key).\(name)").map { ("\(name).\($0.name)", $0.value) }
        }
        return leaves
    }

    /// A value as a user of `docker volume create` would write it.
    private static func text(
        _ value: KeptValue, _ key: String, joinedBy separator: String = ","
    ) throws(VolumeError) -> String {
        switch value {
        case .text(let text): return text
        case .bool(let bool): return "\(bool)"
        case .integer(let number): return "\(number)"
        case .unsigned(let number): return "\(number)"
        case .number(let number): return "\(number)"
        case .array(let values):
            var texts: [String] = []
            for value in values {
                if case .array = value { throw noValue(key) }
                texts.append(try text(value, key))
            }
            return texts.joined(separator: separator)
        case .null, .object: throw noValue(key)
        }
    }

    private static func noValue(_ key: String) -> VolumeError {
        VolumeError.unfitPolicy(
            "\(ShownText.quoted(key)) is neither a text nor a number", remedy: "write \"KEY\": \"VALUE\"")
    }
}
