/// The answer to `docker volume create -o help=policies`.
extension OptionHelp {
    /// The topic.
    public static let policies = "policies"

    public static func answer(with policies: [PolicyName: Policy]) -> VolumeError {
        let width = policies.keys.map(\.text.count).max() ?? 0
        let lines = policies.sorted { $0.key < $1.key }.map { name, policy in
            let values = policy.values.map { "\($0.key.drop { $0 != "." }.dropFirst())=\($0.value)" }
            return
                "  \(name)\(String(repeating: " ", count: width - name.text.count))  \(values.joined(separator: " "))"
        }
        let list =
            lines.isEmpty
            ? ["There are no policies yet: 'rbd-plugin policy upload NAME < FILE' makes one."]
            : ["Policies, each given as -o policy=NAME:"] + lines
        return VolumeError(
            .help, "create the volume",
            why: "'-o help' only asks, and nothing was created\n\n\(list.joined(separator: "\n"))", outcome: .refused)
    }
}
