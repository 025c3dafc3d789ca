import ArgumentParser
import EtcdState
import VolumeCore

/// `rbd-plugin global …`
struct GlobalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "global", abstract: "Change settings of all nodes while their plugins run.",
        discussion: """
            The settings are log-level (error, warn, info, debug), operation-timeout and mount-wait. They go before each node's \
            own LOG_LEVEL, OPERATION_TIMEOUT and MOUNT_WAIT, which are in force again once they are removed. No plugin has to be \
            restarted.
            """,
        subcommands: [Get.self, Set.self, Upload.self])

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what is set for all nodes, as JSON that can be uploaded.",
            discussion: "Example: rbd-plugin global get")

        func run() async throws {
            try await OperatorSession.run { session in
                print(try PolicyText.write(try await session.global.read()?.record ?? GlobalSettings()))
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set some of them. An empty value, as in 'log-level=', leaves it to each node again.",
            discussion: "Example: rbd-plugin global set log-level=debug")

        @Argument(help: "What to set: NAME=VALUE.")
        var values: [String]

        func run() async throws {
            let changes = try values.map(Self.change)
            try await OperatorSession.run { session in
                try await GlobalCommand.write(session) { settings in
                    for (option, value) in changes {
                        if value.isEmpty { settings.unset(option) } else { try settings.set(option, value) }
                    }
                }
            }
        }

        private static func change(_ word: String) throws -> (GlobalOption, String) {
            guard let sign = word.firstIndex(of: "=") else {
                throw ValidationError("'\(word)' sets nothing: write NAME=VALUE, as in log-level=debug")
            }
            let name = String(word[..<sign])
            guard let option = GlobalOption(name: name) else {
                let known = GlobalOption.allCases.map(\.rawValue)
                let nearest = NearestName.of(name.lowercased(), among: known).map { "did you mean '\($0)'? " } ?? ""
                throw ValidationError(
                    "'\(name)' is not known, or cannot change while plugins run; \(nearest)known are "
                        + known.joined(separator: ", "))
            }
            return (option, String(word[word.index(after: sign)...]))
        }
    }

    struct Upload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set all of them: their JSON comes from standard input. '{}' removes them.",
            usage: "rbd-plugin global upload < FILE",
            discussion: """
                The global settings of volplugin are accepted as they are.

                Example: rbd-plugin global upload < global.json
                """)

        func run() async throws {
            let reading = try PolicyInput.readGlobal()
            try await OperatorSession.run { session in
                PolicyInput.tell(reading.notes)
                try await GlobalCommand.write(session) { $0 = reading.settings.inPlace(of: $0) }
            }
        }
    }

    private static func write(
        _ session: OperatorSession, _ change: (inout GlobalSettings) throws -> Void
    ) async throws {
        let read = try await session.global.read()
        var settings = read?.record ?? GlobalSettings()
        try change(&settings)
        if settings == read?.record ?? GlobalSettings() { return print("Nothing changes: \(settings).") }
        guard try await session.global.put(settings, over: read) else {
            throw OperatorSession.Failed(
                "Somebody else has changed the settings of all nodes meanwhile: look at them, and repeat.")
        }
        print("Set for all nodes: \(settings).")
        if let limit = settings.operationTimeout, limit >= .seconds(30) {
            print("Docker gives up after 30 s, unless the plugin was enabled with a longer --timeout.")
        }
    }
}
