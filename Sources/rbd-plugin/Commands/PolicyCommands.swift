import ArgumentParser
import EtcdState
import FoundationEssentials
import Glibc
import PluginConfiguration
import RBDDriver
import VolumeCore

/// `rbd-plugin policy …`
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Describe classes of volumes, and change them while they are in use.",
        discussion: """
            A policy is JSON. Its part "create" has options of 'docker volume create' for new volumes, with max-size for \
            each of them and max-total for their sum; its part "runtime" has values that every volume of the policy follows, \
            also while containers use it. Policies of volplugin are accepted as they are.
            """,
        subcommands: [Upload.self, Get.self, List.self, Remove.self, Diff.self, Validate.self])

    struct Upload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make or change a policy: its JSON comes from standard input.",
            usage: "rbd-plugin policy upload <policy> < FILE",
            discussion: "Example: rbd-plugin policy upload gold < gold.json")

        @Argument(help: "The policy's name. 'default' is for volumes that name none.")
        var policy: String

        func run() async throws {
            let reading = try PolicyInput.read()
            try await OperatorSession.run { session in
                let done = try await session.policies.upload(reading.policy, as: policy)
                PolicyInput.tell(reading.notes)
                let verb = done.before == nil ? "Made" : done.isChanged ? "Changed" : "Nothing to change in"
                let volumes = done.volumes == 1 ? "1 volume follows" : "\(done.volumes) volumes follow"
                print("\(verb) policy \(policy). \(volumes) it.")
                if let most = reading.policy.create.maxTotal, done.size > most {
                    print(
                        "They have \(done.size) in sum, more than max-total=\(most): no other is created, and none grows."
                    )
                }
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a policy, as JSON that can be uploaded.",
            discussion: "Example: rbd-plugin policy get gold > gold.json")

        @Argument(help: "The policy's name.", completion: Offered.policies)
        var policy: String

        func run() async throws {
            try await OperatorSession.run { session in
                print(try PolicyText.write(try await session.policies.policy(policy)))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List all policies.", discussion: "Example: rbd-plugin policy ls")

        @Flag(help: "Print a JSON array, for programs.")
        var json = false

        func run() async throws {
            try await OperatorSession.run { session in
                let all = try await session.policies.list()
                if json { return print(try RecordOutput.json(all.map(PolicyOutput.init))) }
                var table = Table("NAME", "VOLUMES", "IN SUM", "CREATE", "RUNTIME")
                for listed in all {
                    table.add(
                        listed.name.text, "\(listed.volumes)", listed.volumes == 0 ? "" : "\(listed.size)",
                        Self.part("create.", of: listed.policy),
                        Self.part("runtime.", of: listed.policy))
                }
                print(table.text)
            }
        }

        private static func part(_ prefix: String, of policy: Policy) -> String {
            policy.values.filter { $0.key.hasPrefix(prefix) }
                .map { "\($0.key.dropFirst(prefix.count))=\($0.value)" }.joined(separator: " ")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a policy that no volume follows.",
            discussion: "Example: rbd-plugin policy rm gold")

        @Argument(help: "The policy's name.", completion: Offered.policies)
        var policy: String

        @Flag(help: "Also remove it when volumes follow it. They keep what they have, as values of their own.")
        var force = false

        func run() async throws {
            try await OperatorSession.run { session in
                let kept = try await session.policies.remove(policy, force: force)
                print("Removed policy \(policy).")
                if !kept.isEmpty {
                    let names = kept.prefix(5).map(\.text).joined(separator: ", ")
                    let rest = kept.count > 5 ? " and \(kept.count - 5) more" : ""
                    print("These volumes have its values as their own now: \(names)\(rest).")
                }
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what an upload would change. Ends with status 1 if that is anything.",
            usage: "rbd-plugin policy diff <policy> < FILE",
            discussion: "Example: rbd-plugin policy diff gold < gold.json")

        @Argument(help: "The policy's name.", completion: Offered.policies)
        var policy: String

        func run() async throws {
            let new = try PolicyInput.read().policy.values
            var isChanged = false
            try await OperatorSession.run { session in
                let old = try await session.policies.policy(policy).values
                for (key, value) in old where !new.contains(where: { $0 == (key, value) }) {
                    print("- \(key)=\(value)")
                }
                for (key, value) in new where !old.contains(where: { $0 == (key, value) }) {
                    print("+ \(key)=\(value)")
                }
                isChanged = old.map { "\($0)" } != new.map { "\($0)" }
            }
            if isChanged { throw ExitCode(ExitStatus.failed.rawValue) }
        }
    }

    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what a policy means, without etcd: its JSON comes from standard input.",
            usage: "rbd-plugin policy validate < FILE",
            discussion: "Example: rbd-plugin policy validate < gold.json")

        func run() throws {
            let reading = try PolicyInput.read()
            PolicyInput.tell(reading.notes)
            for (key, value) in reading.policy.values { print("\(key)=\(value)") }
            print("The policy is valid.")
        }
    }
}

/// A policy that a command gets from its standard input.
enum PolicyInput {
    static func read() throws -> PolicyReading { try read("the policy's JSON", PolicyText.read) }

    /// Settings of all nodes.
    static func readGlobal() throws -> GlobalReading { try read("the settings' JSON", PolicyText.readGlobal) }

    private static func read<Reading>(
        _ what: String, _ reader: ([UInt8]) throws(VolumeError) -> Reading
    ) throws -> Reading {
        if isatty(STDIN_FILENO) == 1 {
            Output.write([UInt8]("Type \(what), and Ctrl-D at its end.\n".utf8), to: STDERR_FILENO)
        }
        do throws(VolumeError) {
            return try reader(bytes())
        } catch {
            throw OperatorSession.Failed(error.description)
        }
    }

    /// As many as tell whether it is too long.
    private static func bytes() -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: PolicyText.largest)
        while all.count <= PolicyText.largest {
            let count = Glibc.read(STDIN_FILENO, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            all += piece.prefix(count)
        }
        return all
    }

    static func tell(_ notes: [PolicyNote]) {
        for note in notes { print("\(note).") }
    }
}

/// A policy in a list for programs.
struct PolicyOutput: Encodable {
    let name: String
    let volumes: Int
    /// What the volumes have in sum.
    let bytes: UInt64
    let policy: PolicyDocument

    init(_ listed: PolicyActions.Listed) {
        name = listed.name.text
        volumes = listed.volumes
        bytes = listed.size.bytes
        policy = PolicyDocument(listed.policy)
    }
}
