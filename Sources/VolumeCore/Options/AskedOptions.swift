/// The options of a Create, each read by itself: what they make depends on what is there, and on the policy.
public struct AskedOptions: Sendable, Hashable {
    /// The options of the volume that its user gave.
    let given: [VolumeOption: String]
    /// Values of the volume's own that can be changed while it is in use.
    public let runtime: RuntimeSettings
    /// The policy that its user named.
    public let policy: PolicyName?
    /// What the volume is to be made out of; `nil` for nothing.
    public let clone: AskedClone?
    /// All that was given, by the plugin's names and in the words of the user.
    let recorded: [String: String]

    /// Decides by the options alone.
    /// - Throws: `VolumeError` with code `invalidOption` for an unknown option, a bad value or options that are too long.
    public init(_ options: [String: String]) throws(VolumeError) {
        var ofVolume: [String: String] = [:]
        var ofRuntime: [RuntimeOption: String] = [:]
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            guard let option = RuntimeOption(name: name) else {
                ofVolume[name] = value
                continue
            }
            if let other = ofRuntime[option], other != value {
                throw VolumeError.refusedCreate(
                    "the option \(option.rawValue) is given twice with different values", remedy: "give one of them")
            }
            ofRuntime[option] = value
        }
        let given = try GivenOptions.read(ofVolume)
        try OptionLimits.check(options)
        var spec = VolumeSpec(pool: "any")
        try spec.take(given)
        var runtime = RuntimeSettings()
        for option in RuntimeOption.allCases {
            if let value = ofRuntime[option] { try runtime.set(option, value) }
        }
        let policy = try given[.policy].map(Self.policyName)
        clone = try AskedClone(given)
        self.given = given
        self.runtime = runtime
        self.policy = policy
        recorded = Dictionary(
            uniqueKeysWithValues: given.map { ($0.key.rawValue, $0.value) }
                + ofRuntime.map { ($0.key.rawValue, $0.value) })
    }
}

extension AskedOptions {
    private static func policyName(_ text: String) throws(VolumeError) -> PolicyName {
        guard let name = try? PolicyName(text) else {
            throw OptionValues.fault(
                .policy, text,
                accepts:
                    "the name of a policy: letters, digits, '_' and '-', beginning with a letter or a digit, at most"
                    + " \(PolicyName.maximumLength) characters")
        }
        return name
    }

    /// The policy that its user named, by the option or by the volume's name.
    /// - Throws: `VolumeError` with code `invalidOption` when both name one, and not the same.
    public func policy(of name: VolumeName) throws(VolumeError) -> PolicyName? {
        guard let policy, let other = name.policy, policy != other else { return policy ?? name.policy }
        throw VolumeError(
            .invalidOption, "create volume \(name.given)",
            why: "its name says policy \(other), and an option policy \(policy)",
            remedy: "leave the option out, or give the volume a name without a slash", outcome: .refused)
    }
}

extension VolumeSpec {
    /// In a fixed order, so that of several faults it is always the same one that is told.
    /// - Returns: what the values say beside the spec.
    @discardableResult
    mutating func take(
        _ values: [VolumeOption: String]
    ) throws(VolumeError) -> (adoption: Adoption, isProtected: Bool) {
        var (adoption, isProtected) = (Adoption.none, false)
        for option in VolumeOption.allCases {
            guard let value = values[option] else { continue }
            switch option {
            case .adopt: adoption = try OptionValues.adoption(value)
            case .from, .fromSnapshot: break
            case .protect: isProtected = try OptionValues.read(.protect, value, ValueReader.flag)
            default: try set(option, value)
            }
        }
        return (adoption, isProtected)
    }
}
