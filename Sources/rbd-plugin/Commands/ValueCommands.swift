import ArgumentParser
import EtcdState
import Glibc
import RBDDriver
import VolumeCore

/// `rbd-plugin volume set`
struct SetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set values of a volume, also while containers use it.",
        discussion: """
            The options are \(RuntimeOption.allCases.map(\.rawValue).joined(separator: ", ")). \
            A value of 'none' or 'off' takes effect whatever the volume's policy says. An empty value, as in 'iops=', leaves \
            the decision to the policy again.

            The node that has the volume mounted brings the values into force within seconds; if no node has it mounted, the \
            next one that mounts it does. The command waits for that. If you interrupt it, the nodes still carry on.

            Example: rbd-plugin volume set db write-iops=500 write-bps=20M autogrow.at=85% autogrow.max=200G
            """)

    @Argument(help: "The volume's name.", completion: Offered.volumes)
    var volume: String

    @Argument(help: "What to set: OPTION=VALUE.")
    var values: [String]

    @Flag(help: "Do not wait until the values are in force.")
    var noWait = false

    @Option(help: "How many seconds to wait.")
    var timeout = 30

    func run() async throws {
        let changes = try Self.changes(values)
        try await OperatorSession.run { session in
            let stored = try await session.actions.set(volume, changes)
            if !stored.readingNodes.isEmpty {
                let nodes = SharedVolumeRule.names(stored.readingNodes)
                let verb = stored.readingNodes.count == 1 ? "has" : "have"
                return print("The \(nodes) \(verb) volume \(volume) mounted and will apply the values.")
            }
            guard let attachment = stored.attachment?.record else {
                return print("No node has volume \(volume) mounted. The next node that mounts it applies the values.")
            }
            let node = attachment.owner.node
            guard !noWait else { return print("Node \(node) has volume \(volume) mounted and will apply the values.") }
            try await wait(for: stored, on: node, session)
        }
    }

    /// `iops=500`, `iops=`.
    static func changes(_ words: [String]) throws -> [RuntimeOption: String?] {
        var changes: [RuntimeOption: String?] = [:]
        for word in words {
            guard let sign = word.firstIndex(of: "=") else {
                throw ValidationError("'\(word)' sets nothing: write OPTION=VALUE, as in iops=500")
            }
            let (name, value) = (String(word[..<sign]), String(word[word.index(after: sign)...]))
            guard let option = RuntimeOption(name: name) else {
                throw ValidationError(
                    "the option '\(name)' is not known, or cannot be changed while a volume is in use; known are "
                        + RuntimeOption.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard changes[option] == nil else { throw ValidationError("'\(option.rawValue)' is given twice") }
            changes[option] = .some(value.isEmpty ? nil : value)
        }
        return changes
    }

    private func wait(for written: StoredVolume, on node: String, _ session: OperatorSession) async throws {
        let end = ContinuousClock.now + .seconds(timeout)
        while ContinuousClock.now < end {
            let now = try await session.actions.values(of: volume)
            guard let attachment = now.stored.attachment?.record else {
                return print(
                    "Node \(node) has unmounted volume \(volume): the next one that mounts it applies the values.")
            }
            guard let wanted = now.wanted else {
                throw OperatorSession.Failed("The policy of volume \(volume) is gone: its former values stay in force.")
            }
            if attachment.inForce == ValuesInForce(wanted) {
                return print("The values of volume \(volume) are in force on node \(attachment.owner.node).")
            }
            if let reason = attachment.inForce.reason,
                attachment.inForce.values.with(RuntimeOption.limits, from: wanted) == wanted
            {
                throw OperatorSession.Failed(
                    "The values are set, but node \(attachment.owner.node) cannot apply all of them: \(reason). It goes on trying."
                )
            }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw OperatorSession.Failed(
            "The values are set, but node \(node) did not apply them within \(timeout) s. It goes on trying: its log says why "
                + "it cannot, and 'rbd-plugin volume get \(volume)' shows whether it has.")
    }
}

/// `rbd-plugin volume get`
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show the values of a volume: what is wanted, what is in force, and where it comes from.",
        discussion: "Example: rbd-plugin volume get db autogrow.at")

    @Argument(help: "The volume's name.", completion: Offered.volumes)
    var volume: String

    @Argument(help: "The options to show; without any, those that have a value.")
    var options: [String] = []

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() async throws {
        let chosen = try options.map { name in
            guard let option = RuntimeOption(name: name) else {
                throw ValidationError(
                    "the option '\(name)' is not known; known are "
                        + RuntimeOption.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return option
        }
        try await OperatorSession.run { session in
            let values = try await session.actions.values(of: volume)
            let rows = ValueRow.all(of: values, chosen.isEmpty ? nil : Set(chosen))
            if json { return print(try RecordOutput.json(rows)) }
            var table = Table("OPTION", "WANTED", "IN FORCE", "FROM")
            for row in rows { table.add(row.option, row.wanted ?? "-", row.inForce ?? "-", row.from ?? "-") }
            print(table.text)
            for mount in values.stored.allMounts {
                guard let reason = mount.inForce.reason else { continue }
                print("Not all is in force on node \(mount.owner.node): \(reason)")
            }
            if let reason = values.stored.attachment?.record.autogrowReason {
                print("The volume is nearly full and does not become larger by itself: \(reason)")
            }
        }
    }
}

/// One value of a volume, as it is shown.
private struct ValueRow: Encodable {
    let option: String
    let wanted: String?
    /// `nil` where the volume is not mounted, or where not all nodes that read it have the same.
    let inForce: String?
    /// `volume`, or `policy NAME`.
    let from: String?

    static func all(of values: VolumeValues, _ chosen: Set<RuntimeOption>?) -> [ValueRow] {
        var rows: [ValueRow] = []
        if chosen == nil, let volume = values.stored.volume?.record {
            let size = GrowthRule.wanted(values.stored) ?? volume.spec.size
            rows.append(ValueRow(option: "size", wanted: "\(size)", inForce: "\(volume.spec.size)", from: "volume"))
        }
        for option in RuntimeOption.allCases {
            let everywhere = Set(values.stored.allMounts.map { $0.inForce.values[option] })
            let (wanted, inForce) = (values.wanted?[option], everywhere.count == 1 ? everywhere.first ?? nil : nil)
            guard chosen?.contains(option) ?? (wanted != nil || inForce != nil) else { continue }
            let from = values.source(of: option).map { source in
                switch source {
                case .volume: "volume"
                case .policy(let name): "policy \(name)"
                }
            }
            rows.append(ValueRow(option: option.rawValue, wanted: wanted, inForce: inForce, from: from))
        }
        return rows
    }
}
