/// One line of `ceph.conf` that a setting `RBD_CONF_<SECTION>_<KEY>` stands for.
public struct CephConfLine: Sendable, Hashable {
    /// `global`, `client`, `mon`, `mgr`, `osd` or `mds`.
    public let section: String
    /// In lower case with underscores, as Ceph accepts every option.
    public let key: String
    /// As given; ``CephConfRenderer`` escapes it.
    public let value: String

    /// Makes a line. Nothing is checked: settings from outside go through ``Settings/load``.
    public init(section: String, key: String, value: String) {
        self.section = section
        self.key = key
        self.value = value
    }

    static let namePrefix = "RBD_CONF_"
    /// The sections, in the order in which they are written.
    static let sections = ["global", "client", "mon", "mgr", "osd", "mds"]
    /// Names of the same form that mean something else.
    private static let reserved = ["RBD_CONF_MAP_", "RBD_CONF_CLUSTER", "RBD_CONF_KEYRING_"]

    /// Section and key of a setting's name, or nil when the name is not of this form.
    static func place(ofSetting name: String) -> (section: String, key: String)? {
        guard name.hasPrefix(namePrefix), !reserved.contains(where: name.hasPrefix) else { return nil }
        let parts = name.dropFirst(namePrefix.count).lowercased().split(separator: "_", maxSplits: 1)
        guard parts.count == 2, sections.contains(String(parts[0])) else { return nil }
        return (String(parts[0]), optionName(section: String(parts[0]), key: String(parts[1])))
    }

    /// Whether the option of `ceph.conf` holds a secret itself: librados takes a key there too.
    static func isSecret(_ key: String) -> Bool {
        key == "key" || ["_key", "secret", "password"].contains { key.contains($0) }
    }

    /// Options of the metadata server carry its name themselves: `RBD_CONF_MDS_SESSION_TIMEOUT` has always meant
    /// `mds_session_timeout`.
    private static func optionName(section: String, key: String) -> String {
        section == "mds" && !key.hasPrefix("mds_") ? "mds_" + key : key
    }
}

extension CephConfLine {
    /// Every line that the environment asks for, sorted by section and key.
    static func all(from reader: inout SettingsReader) -> [CephConfLine] {
        var lines: [CephConfLine] = []
        for name in reader.environment.keys.sorted() {
            guard let (section, key) = place(ofSetting: name), let text = reader.given(named: name) else { continue }
            let value = reader.parsed(text, named: name) { text throws(Refusal) in try acceptable(text, key: key) }
            if let value { lines.append(CephConfLine(section: section, key: key, value: value)) }
        }
        return lines.sorted { rank($0) < rank($1) }
    }

    private static func rank(_ line: CephConfLine) -> (Int, String) {
        (sections.firstIndex(of: line.section) ?? sections.count, line.key)
    }

    /// Control characters have been refused before: a value cannot begin another line or section.
    private static func acceptable(_ text: String, key: String) throws(Refusal) -> String {
        guard Text.consists(key, ofLettersDigitsAnd: "_") else {
            throw Refusal("the name must consist of letters, digits and underscores")
        }
        return text
    }
}
