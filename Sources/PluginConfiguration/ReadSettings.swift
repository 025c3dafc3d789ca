/// What could be read of the settings, whether or not the plugin could start with them.
public struct ReadSettings: Sendable {
    /// All of them; `nil` when there is a problem.
    public internal(set) var settings: Settings?
    /// All that is wrong, in the order in which it was found.
    public let problems: [SettingsError.Problem]
    /// Sentences about what is probably a mistake.
    public let warnings: [String]
    /// How to reach Ceph; `nil` when something is wrong with one of those settings: half of them could mean another user.
    public let ceph: CephClientSettings?
    /// How to reach etcd; `nil` as above.
    public let etcd: EtcdSettings?
    public let volumes: VolumeSettings?
    public let devices: DeviceSettings?
    public let node: NodeSettings?
    public let limits: TimeLimits?
    public let stateDirectory: String?

    init(
        problems: [SettingsError.Problem], warnings: [String], ceph: CephClientSettings?, etcd: EtcdSettings?,
        volumes: VolumeSettings?, devices: DeviceSettings?, node: NodeSettings?, limits: TimeLimits?,
        stateDirectory: String?
    ) {
        self.problems = problems
        self.warnings = warnings
        self.ceph = Self.hasProblem(.ceph, problems) ? nil : ceph
        self.etcd = Self.hasProblem(.etcd, problems) ? nil : etcd
        self.volumes = volumes
        self.devices = devices
        self.node = node
        self.limits = limits
        self.stateDirectory = stateDirectory
    }

    private static func hasProblem(_ group: SettingDescription.Group, _ problems: [SettingsError.Problem]) -> Bool {
        problems.contains { problem in
            SettingDescription.all.first { $0.setting.name == problem.name }.map { $0.group == group }
                ?? (group == .ceph && CephConfLine.place(ofSetting: problem.name) != nil)
        }
    }
}

extension SettingsError.Problem {
    /// Whether it is about the file that the setting names, and not about the setting's value.
    public var isAboutFile: Bool { description.contains("that file") }
}

extension SettingDescription {
    /// What may be shown to anybody of the variables that are settings of this plugin, by name. Secrets are named without their
    /// values.
    public static func shown(of environment: [String: String]) -> [(name: String, value: String)] {
        let secret = Set(all.filter(\.isSecret).map(\.setting.name))
        return environment.filter { !$0.value.isEmpty && isSetting($0.key) }.sorted { $0.key < $1.key }.map {
            name, value in
            let hides =
                secret.contains(name) || isSecretLine(name) || value.contains("@") || value.contains("-----BEGIN")
            return (name, hides ? "<not shown>" : value)
        }
    }

    /// Whether a variable of this name would be a line of `ceph.conf` with a secret in it.
    public static func isSecretLine(_ name: String) -> Bool {
        CephConfLine.place(ofSetting: name).map { CephConfLine.isSecret($0.key) } ?? false
    }

    private static func isSetting(_ name: String) -> Bool {
        Setting(rawValue: name) != nil || CephConfLine.place(ofSetting: name) != nil
    }
}
