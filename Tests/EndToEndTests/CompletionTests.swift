import FoundationEssentials
import Glibc
import Rig
import Testing

/// What the shells offer when somebody presses Tab, asked of the shells themselves.
@Suite("Completion")
struct CompletionTests {
    @Test("bash, zsh and fish offer commands, verbs, options and the names of volumes and policies")
    func shells() async throws {
        try await Stage.with { stage in
            let volumes = [try await stage.volume("first"), try await stage.volume("second")]
            let policy = stage.plugin.scratch.path + "/policy.json"
            try Data(#"{"create": {"size": "1G"}}"#.utf8).write(to: URL(filePath: policy))
            try await stage.operate(["policy", "upload", "gold"], reading: policy).checked()
            let shells = try await Shells(stage)
            for shell in Shell.allCases {
                #expect(try await shells.offered(by: shell, "rbd-plugin vol") == ["volume"], "\(shell)")
                #expect(try await shells.offered(by: shell, "rbd-plugin volume re") == ["resize"], "\(shell)")
                #expect(try await shells.offered(by: shell, "rbd-plugin volume ls --js") == ["--json"], "\(shell)")
                #expect(
                    try await shells.offered(by: shell, "rbd-plugin volume inspect ") == volumes.sorted(), "\(shell)")
                #expect(
                    try await shells.offered(by: shell, "rbd-plugin volume resize \(volumes[0].dropLast(3))")
                        == [volumes[0]], "\(shell)")
                #expect(try await shells.offered(by: shell, "rbd-plugin policy get ") == ["gold"], "\(shell)")
            }
        }
    }

    @Test("Where there is no etcd, nothing is offered and nothing is said")
    func withoutEtcd() async throws {
        try await Stage.with(started: false) { stage in
            let shells = try await Shells(stage, settings: ["ETCD_ENDPOINTS": "127.0.0.1:1"])
            #expect(try await shells.offered(by: .bash, "rbd-plugin volume protect ") == [])
        }
    }
}

private enum Shell: String, CaseIterable { case bash, zsh, fish }

/// The shells with the completion that the program generates for each, as packages install it.
private struct Shells {
    private let folder: String
    private let variables: [String: String?]

    init(_ stage: Stage, settings: [String: String] = [:]) async throws {
        folder = stage.plugin.scratch.path + "/shells"
        try FileManager.default.createDirectory(atPath: folder + "/bin", withIntermediateDirectories: true)
        let program = try PluginProcess.executable()
        try FileManager.default.createSymbolicLink(atPath: folder + "/bin/rbd-plugin", withDestinationPath: program)
        var variables = stage.plugin.settings.variables(for: stage.environment, stateFolder: stage.plugin.stateFolder)
        variables.merge(settings) { $1 }
        variables["PATH"] = folder + "/bin:" + (variables["PATH"] ?? "")
        variables["HOME"] = folder
        variables["XDG_CONFIG_HOME"] = folder
        self.variables = variables.mapValues { $0 }
        for (shell, file) in [("bash", "rbd-plugin.bash"), ("zsh", "_rbd-plugin"), ("fish", "rbd-plugin.fish")] {
            let script = try await runTool(program, ["--generate-completion-script", shell]).checked().output
            try Data(script.utf8).write(to: URL(filePath: "\(folder)/\(file)"))
        }
    }

    /// The words, sorted, that the shell offers at the end of the line. Nothing is said beside them.
    func offered(by shell: Shell, _ line: String) async throws -> [String] {
        let result = try await runTool(
            shell == .bash ? "bash" : "zsh", Self.arguments(shell) + [folder, line], settings: variables,
            within: .seconds(60)
        ).checked()
        #expect(result.error == "", "\(shell): \(result.error)")
        // fish shows what a word is for, behind a tab.
        let words = result.output.split(whereSeparator: \.isNewline).map {
            String($0.prefix { $0 != "\t" }).replacing(#/ +$/#, with: "")
        }
        return Set(words).sorted()
    }

    private static func arguments(_ shell: Shell) -> [String] {
        switch shell {
        case .bash: ["--norc", "-c", bash, "bash"]
        case .zsh: ["-f", "-c", zsh, "zsh"]
        case .fish: ["-f", "-c", fish, "fish"]
        }
    }

    /// As bash itself calls the function that `complete -F` names.
    private static let bash = #"""
        . "$1/rbd-plugin.bash"
        COMP_LINE=$2; COMP_POINT=${#2}; COMP_TYPE=9; COMP_KEY=9
        read -ra COMP_WORDS <<<"$2"
        case "$2" in *' ') COMP_WORDS+=('') ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        function_name=$(complete -p rbd-plugin | sed 's/.* -F \([^ ]*\) .*/\1/')
        "$function_name" rbd-plugin "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
        printf '%s\n' "${COMPREPLY[@]}"
        """#

    /// zsh completes in its line editor alone: a zsh at a terminal of its own gets the line and Tab. What it would offer is
    /// printed by a function in the place of the one that shows it.
    private static let zsh = #"""
        zmodload zsh/zpty
        zpty z "zsh -f -i"
        zpty -w z "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; PS1=; RPS1=
        compadd () {
          [[ \$@[1,(i)(-|--)] == *-(O|A|D)\ * ]] && { builtin compadd \"\$@\"; return }
          local -a __found; builtin compadd -A __found \"\$@\"; print -rl -- '<<'\${^__found}'>>'
          builtin compadd \"\$@\"
        }
        bindkey '^I' complete-word; zstyle ':completion:*' list-grouped false; print READY=1"
        zpty -r z got '*READY=1*'
        zpty -w -n z "$2"$'\t\C-u'"print DONE=\$((1+1))"$'\n'
        zpty -r z got '*DONE=2*'
        print -r -- "$got" | tr -d '\r' | grep -o '<<[^>]*>>' | sed 's/^<<//; s/>>$//'
        zpty -d z
        """#

    /// fish tells where the cursor is only at a terminal, which zsh makes for it.
    private static let fish = #"""
        zmodload zsh/zpty
        zpty z "env TERM=xterm fish --no-config -i"
        zpty -w z "source $1/rbd-plugin.fish; function say; for w in (complete -C); printf '<<%s>>\\n' \$w; end; printf 'END%s\\n' 1; end"
        zpty -w z "bind \\cg say; printf 'READY%s\\n' 1"
        zpty -r z got '*READY1*'
        zpty -w -n z "$2"$'\x07'
        zpty -r z got '*END1*'
        print -r -- "$got" | tr -d '\r' | grep -o '<<[^>]*>>' | sed 's/^<<//; s/>>$//'
        zpty -d z
        """#
}
