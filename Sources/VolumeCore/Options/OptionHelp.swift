/// The answer to `docker volume create -o help`.
///
/// Docker shows nothing of a Create but its error. So the list is one, and nothing is created.
public enum OptionHelp {
    private static let name = "help"

    /// What is asked: the plain form of the option's value, empty for all options.
    /// - Returns: `nil` when nothing is asked.
    public static func topic(in options: [String: String]) -> String? {
        let asked = options.filter { OptionName.plain($0.key) == name }
        return asked.min { $0.key < $1.key }.map { OptionName.plain($0.value) }
    }

    /// - Parameters:
    ///   - topic: the name of an option for all that is to say of it; anything else for the list.
    ///   - defaults: those in force.
    public static func answer(to topic: String, defaults: VolumeDefaults) -> VolumeError {
        let text =
            if let told = OptionDescription.named(topic) { one(told, defaults) } else { list(defaults) }
        return VolumeError(
            .help, "create the volume", why: "'-o help' only asks, and nothing was created\n\n\(text)",
            outcome: .refused)
    }

    private static func list(_ defaults: VolumeDefaults) -> String {
        let heads = OptionDescription.all.map { "\($0.name)=\($0.value)" }
        let width = heads.map(\.count).max() ?? 0
        let lines = zip(heads, OptionDescription.all).map { head, told in
            let blanks = String(repeating: " ", count: width - head.count)
            return "  \(head)\(blanks)  \(HelpText.plain(told.summary))\(standard(of: told, defaults))"
        }
        return (["Options, each given as -o NAME=VALUE:"] + lines + ["'-o help=NAME' says more of one of them."])
            .joined(separator: "\n")
    }

    private static func one(_ told: OptionDescription, _ defaults: VolumeDefaults) -> String {
        let text = HelpText.plain(told.meaning) + standard(of: told, defaults)
        let lines = HelpText.wrapped(text, width: 74).map { "      \($0)" }
        return (["  \(told.name)=\(told.value)"] + lines).joined(separator: "\n")
    }

    private static func standard(of told: OptionDescription, _ defaults: VolumeDefaults) -> String {
        if let standard = told.standard(defaults) { return " Default: \(standard)." }
        return told.withoutDefault.isEmpty ? "" : " It is \(HelpText.plain(told.withoutDefault))."
    }
}
