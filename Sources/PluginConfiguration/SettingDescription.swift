/// What people are told about one setting. The help text, docs/reference.md's tables and `config.json` say the same,
/// because they are made from, or checked against, ``all``.
public struct SettingDescription: Sendable {
    /// What holds when the setting is absent or empty.
    public enum Default: Sendable, Equatable {
        /// This text, read exactly as if it had been given. There is no second place that knows the default.
        case text(String)
        /// Worked out at start; in words for people.
        case computed(String)
        /// Nothing.
        case none
    }

    /// The headings under which settings are listed, in this order.
    public enum Group: String, Sendable, CaseIterable {
        case ceph = "Ceph"
        case etcd = "etcd"
        case volumes = "Volumes"
        case devices = "Devices"
        case node = "Node"
        case time = "Time limits"
        case metrics = "Metrics"
        case log = "Log"
    }

    public let setting: Setting
    public let group: Group
    public let standard: Default
    /// One or two sentences, plain text apart from `code` marks.
    public let meaning: String
    /// Its value must not be shown anywhere.
    public let isSecret: Bool

    init(_ setting: Setting, _ group: Group, _ standard: Default, secret: Bool = false, _ meaning: String) {
        self.setting = setting
        self.group = group
        self.standard = standard
        self.meaning = meaning
        self.isSecret = secret
    }

    /// Every setting, in the order in which people read them.
    public static let all: [SettingDescription] =
        ceph + etcd + volumes + devices + node + time + metrics + log

    private static let bySetting = Dictionary(all.map { ($0.setting, $0) }) { first, _ in first }

    /// The text that stands for an absent setting, if there is one.
    static func defaultText(of setting: Setting) -> String? {
        guard case .text(let text)? = bySetting[setting]?.standard else { return nil }
        return text
    }
}
