/// What the new volumes of a policy are: options of `docker volume create`, for where its user gives none, and how large the
/// volumes may become, each and all together.
public struct PolicyCreate: Sendable, Hashable {
    /// By the names of the options, in the words of the administrator.
    public private(set) var options: [VolumeOption: String] = [:]
    /// No volume of the policy becomes larger.
    public var maxSize: VolumeSize?
    /// All volumes of the policy together have no more.
    public var maxTotal: VolumeSize?
    /// What newer versions can say.
    var unknown = UnknownFields()

    public init() {}

    public var isEmpty: Bool { options.isEmpty && maxSize == nil && maxTotal == nil && unknown == UnknownFields() }

    /// - Throws: `VolumeError` with code `invalidOption` for a value that the option cannot have, and for an option that no policy
    ///   can give.
    public mutating func set(_ option: VolumeOption, _ text: String) throws(VolumeError) {
        try Self.check(option, text)
        options[option] = text
    }

    /// What is set, by name, in the order of the options.
    var all: [(key: String, value: String)] {
        VolumeOption.allCases.compactMap { option in options[option].map { (option.rawValue, $0) } }
            + bounds.compactMap { name, size in size.map { (name, "\($0)") } }
    }

    static let maxSizeName = "max-size"
    static let maxTotalName = "max-total"

    private var bounds: [(name: String, size: VolumeSize?)] {
        [(Self.maxSizeName, maxSize), (Self.maxTotalName, maxTotal)]
    }

    /// All names that the part can have.
    static var names: [String] {
        VolumeOption.allCases.filter(\.isForPolicies).map(\.rawValue) + [maxSizeName, maxTotalName]
    }

    func check() throws(VolumeError) {
        for (option, text) in options { try Self.check(option, text) }
        try OptionLimits.check(Dictionary(uniqueKeysWithValues: options.map { ($0.key.rawValue, $0.value) }))
        for (name, size) in bounds {
            if let size { try RecordForm.size(size, name) }
        }
    }

    private static func check(_ option: VolumeOption, _ text: String) throws(VolumeError) {
        guard option.isForPolicies else {
            throw VolumeError(
                .invalidOption, "use option \(option.rawValue) in a policy", why: "it is about a single volume",
                remedy: "leave it out", outcome: .refused)
        }
        if option == .protect {
            _ = try OptionValues.read(option, text, ValueReader.flag)
        } else {
            var spec = VolumeSpec(pool: "any")
            try spec.set(option, text)
        }
    }
}

extension VolumeOption {
    /// Whether a policy can give it to its volumes.
    var isForPolicies: Bool {
        switch self {
        case .access, .adopt, .from, .fromSnapshot, .policy: false
        default: true
        }
    }
}

// MARK: - What goes together

extension PolicyCreate {
    var contradiction: String? {
        if let size = options[.size].flatMap(VolumeSize.init(parsing:)), let maxSize, size > maxSize {
            return "size=\(size) is more than \(Self.maxSizeName)=\(maxSize)"
        }
        if let size = options[.size].flatMap(VolumeSize.init(parsing:)), let maxTotal, size > maxTotal {
            return "size=\(size) is more than \(Self.maxTotalName)=\(maxTotal)"
        }
        if let maxSize, let maxTotal, maxSize > maxTotal {
            return "\(Self.maxSizeName)=\(maxSize) is more than \(Self.maxTotalName)=\(maxTotal)"
        }
        do throws(VolumeError) {
            try checkTogether()
            return nil
        } catch {
            return error.why
        }
    }

    /// What depends on the filesystem can be told only where the policy names it: else each plugin's settings do.
    private func checkTogether() throws(VolumeError) {
        var spec = VolumeSpec(pool: "any")
        for option in VolumeOption.allCases where option != .protect {
            if let text = options[option] { try spec.set(option, text) }
        }
        try spec.checkMapOptions()
        guard options[.fstype] != nil else { return }
        try spec.checkMkfsOptions()
        try spec.checkMountOptions()
        if options[.size] != nil { try VolumeRequest.checkSize(of: spec) }
    }
}

// MARK: - In records

extension PolicyCreate: Codable {
    /// An object with a field for each option that is set.
    public init(from decoder: any Decoder) throws {
        var fields = try RecordReader(decoder)
        for option in VolumeOption.allCases {
            options[option] = try fields.optional(RecordField(stringValue: option.rawValue))
        }
        maxSize = try Self.size(Self.maxSizeName, &fields, decoder)
        maxTotal = try Self.size(Self.maxTotalName, &fields, decoder)
        unknown = try fields.unknown()
    }

    private static func size(
        _ name: String, _ fields: inout RecordReader, _ decoder: any Decoder
    ) throws -> VolumeSize? {
        let text: String? = try fields.optional(RecordField(stringValue: name))
        return try text.map { text in
            guard let size = VolumeSize(parsing: text) else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "\(name) is no size"))
            }
            return size
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        for (name, value) in all { try fields.encode(value, forKey: RecordField(stringValue: name)) }
    }
}
