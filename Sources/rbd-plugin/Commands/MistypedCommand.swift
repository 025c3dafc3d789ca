import ArgumentParser
import Glibc
import PluginConfiguration
import VolumeCore

/// A command that is none: the parser would call it an unexpected argument.
struct MistypedCommand: CustomStringConvertible {
    private let word: String
    /// The commands before it.
    private let before: [String]
    private let suggestions: [String]
    private let known: [String]

    /// Ends the program with a sentence when the command line names a command that is none; returns otherwise.
    static func refuse(_ arguments: [String], of root: any ParsableCommand.Type) {
        guard let mistyped = MistypedCommand(arguments.dropFirst(), of: root) else { return }
        Output.error("\(mistyped)\n")
        exit(ExitStatus.usage.rawValue)
    }

    init?(_ arguments: some Sequence<String>, of root: any ParsableCommand.Type) {
        var (command, before) = (root, [String]())
        for word in arguments {
            let below = command.configuration.subcommands
            if below.isEmpty || word.hasPrefix("-") { return nil }
            if before.isEmpty, word == "help" { continue }
            guard let next = below.first(where: { $0._commandName == word }) else {
                self.word = word
                self.before = [root._commandName] + before
                known = below.map { $0._commandName }
                let deeper = Self.deeper(word, below: below)
                suggestions = deeper.isEmpty ? NearestName.of(word, among: known).map { [$0] } ?? [] : deeper
                return
            }
            command = next
            before.append(word)
        }
        return nil
    }

    /// The commands a level deeper that are called so: whoever types `resize` means `volume resize`.
    private static func deeper(_ word: String, below commands: [any ParsableCommand.Type]) -> [String] {
        let found = commands.filter { $0.configuration.subcommands.contains { $0._commandName == word } }
        return found.map { "\($0._commandName) \(word)" }
    }

    var description: String {
        let path = before.joined(separator: " ")
        let quoted = suggestions.map { "'\($0)'" }.joined(separator: " or ")
        let hint =
            suggestions.isEmpty ? "The commands are: \(known.joined(separator: ", "))." : "Did you mean \(quoted)?"
        return "Error: Unknown command '\(word)'. \(hint)\n  See '\(path) --help' for more information."
    }
}
