import VolumeCore

/// The settings written out for people.
public enum SettingsText {
    /// For `--help`: every setting under its heading, wrapped to the width of a terminal.
    public static func help(width: Int = 80) -> String {
        SettingDescription.Group.allCases.map { group in
            let entries = SettingDescription.all.filter { $0.group == group }.map { help($0, width: width) }
            return "\(group.rawValue):\n" + entries.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    /// For docs/reference.md: the table of one group.
    public static func markdownTable(_ group: SettingDescription.Group) -> String {
        let rows = SettingDescription.all.filter { $0.group == group }.map { description in
            "| `\(description.setting.name)` | \(markdownDefault(description.standard)) | \(description.meaning) |"
        }
        return (["| Setting | Default | Meaning |", "|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// For the `description` in config.json, without marks.
    public static func summary(_ description: SettingDescription) -> String {
        switch description.standard {
        case .text(let text): "\(HelpText.plain(description.meaning)) Default: \(text)."
        case .computed(let words): "\(HelpText.plain(description.meaning)) Default: \(HelpText.plain(words))."
        case .none: HelpText.plain(description.meaning)
        }
    }

    private static func help(_ description: SettingDescription, width: Int) -> String {
        let head = "  \(description.setting.name)" + helpDefault(description.standard)
        return ([head] + HelpText.wrapped(HelpText.plain(description.meaning), width: width - 6).map { "      " + $0 })
            .joined(separator: "\n")
    }

    private static func helpDefault(_ standard: SettingDescription.Default) -> String {
        switch standard {
        case .text(let text): "  (default: \(text))"
        case .computed(let words): "  (default: \(HelpText.plain(words)))"
        case .none: ""
        }
    }

    private static func markdownDefault(_ standard: SettingDescription.Default) -> String {
        switch standard {
        case .text(let text): "`\(text)`"
        case .computed(let words): words
        case .none: ""
        }
    }
}
