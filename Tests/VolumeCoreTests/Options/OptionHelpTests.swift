import Testing
import VolumeCore

/// `docker volume create -o help`.
@Suite struct OptionHelpTests {
    private static let defaults = VolumeDefaults(
        pool: "fast", size: .gibibytes(10), order: 23, features: [.layering], filesystem: .xfs)

    private func answer(_ options: [String: String], _ defaults: VolumeDefaults = defaults) -> VolumeError? {
        OptionHelp.topic(in: options).map { OptionHelp.answer(to: $0, defaults: defaults) }
    }

    @Test("Help is asked by its name in any spelling, beside any other options")
    func asked() {
        for options in [
            ["help": ""], ["Help": "true"], ["HELP": "", "size": "x", "colour": "red"], ["help": "Data_Pool"],
        ] {
            #expect(OptionHelp.topic(in: options) != nil, "\(options)")
        }
        #expect(OptionHelp.topic(in: ["help": "Data_Pool"]) == "datapool")
        for options in [[:], ["size": "help"], ["helpme": ""], ["-o help": ""]] {
            #expect(OptionHelp.topic(in: options) == nil, "\(options)")
        }
        #expect(VolumeOption(name: "help") == nil)
    }

    @Test("It is a refusal that lists each option in a line, with what holds by the settings")
    func list() throws {
        let error = try #require(answer(["help": ""]))
        #expect(error.code == .help && error.outcome == .refused)
        #expect(error.description.contains("nothing was created"))
        let lines = error.description.split(separator: "\n").map(String.init)
        for option in VolumeOption.allCases {
            #expect(lines.filter { $0.hasPrefix("  \(option.rawValue)=") }.count == 1, "\(option)")
        }
        for (option, standard) in [("pool", "fast"), ("size", "10G"), ("order", "23"), ("fstype", "xfs")] {
            #expect(
                lines.contains { $0.hasPrefix("  \(option)=") && $0.hasSuffix(" Default: \(standard).") }, "\(option)")
        }
        #expect(!error.description.contains("`"))
    }

    @Test("Where no pool is set, it says that one is required")
    func required() throws {
        let lines = try #require(answer(["help": ""], VolumeDefaults())).description.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("  pool=") && $0.hasSuffix("required if RBD_DEFAULT_POOL is not set.") })
    }

    @Test("Of one option it says all, in lines that a terminal shows whole", arguments: VolumeOption.allCases)
    func one(_ option: VolumeOption) throws {
        for topic in [option.rawValue, option.rawValue.uppercased()] {
            let text = try #require(answer(["help": topic])).description
            let lines = text.split(separator: "\n").dropFirst()
            #expect(lines.first?.hasPrefix("  \(option.rawValue)=") == true)
            #expect(lines.dropFirst().allSatisfy { $0.count <= 80 && $0.hasPrefix("      ") }, "\(text)")
            let told = try #require(OptionDescription.all.first { $0.name == option.rawValue })
            let words = told.meaning.filter { $0 != "`" }.split(separator: " ")
            #expect(lines.dropFirst().joined(separator: " ").split(separator: " ").starts(with: words))
        }
    }

    @Test("Each option is told once, in whole sentences that fit a table")
    func table() {
        #expect(OptionDescription.all.map(\.name) == VolumeOption.allCases.map(\.rawValue))
        for told in OptionDescription.all {
            #expect(told.meaning.hasSuffix(".") && !told.meaning.contains("|") && !told.meaning.contains("\n"))
            #expect(told.summary.hasSuffix(".") && told.summary.count < 160, "\(told.summary)")
            #expect(told.meaning.hasPrefix(told.summary))
        }
    }
}
