/// What the new volumes of a policy are: options of `docker volume create`, for where its user gives none, and how large the
/// volumes may become.
public struct PolicyCreate: Sendable, Hashable {
    /// By the names of the options, in the words of the administrator.
    public private(set) var options: [VolumeOption: String] = [:]
    /// No volume of the policy becomes larger.
    public var maxSize: VolumeSize?
    /// What newer versions can say.
    var unknown = UnknownFields()

    public init() {}

    public var isEmpty: Bool { options.isEmpty && maxSize == nil && unknown == UnknownFields() }

    /// - Throws: `VolumeError` with code `invalidOption` for a value that the option cannot have, and for an option that no policy
    ///   can give.
    public mutating func set(_ option: VolumeOption, _ text: String) throws(VolumeError) {
        try Self.check(option, text)
        options[option] = text
    }

    /// What is set, by name, in the order of the options.
    var all: [(key: String, value: String)] {
        VolumeOption.allCases.compactMap { option in options[option].map { (option.rawValue, $0) } }
            + (maxSize.map { [(Self.maxSizeName, "\($0)")] } ?? [])
    }

    static let maxSizeName = "max-size"

    /// All names that the part can have.
    static var names: [String] { VolumeOption.allCases.filter(\.isForPolicies).map(\.rawValue) + [maxSizeName] }

    func check() throws(VolumeError) {
        for (option, text) in options { try Self.check(option, text) }
        try OptionLimits.check(Dictionary(uniqueKeysWithValues: options.map { ($0.key.rawValue, $0.value) }))
        if let maxSize { try RecordForm.size(maxSize, Self.maxSizeName) }
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
        case .adopt, .policy: false
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
        let most: String? = try fields.optional("max-size")
        maxSize = try most.map { text in
            guard let size = VolumeSize(parsing: text) else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "max-size is no size"))
            }
            return size
        }
        unknown = try fields.unknown()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RecordField.self)
        try unknown.encode(to: &fields)
        for (name, value) in all { try fields.encode(value, forKey: RecordField(stringValue: name)) }
    }
}
