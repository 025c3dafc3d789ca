import VolumeCore

/// Finds variables that look like ours and are not: most often a slip of the hand.
enum UnknownSettings {
    private static let prefixes = ["RBD_", "ETCD_", "CEPH_CONF"]
    private static let names = Setting.allCases.map(\.name)

    /// One sentence for each, in the order of the names. Only names are shown: a value might be a secret.
    static func warnings(about environment: [String: String]) -> [String] {
        environment.filter { !$0.value.isEmpty && isUnknown($0.key) }.keys.sorted().map { name in
            guard let likely = NearestName.of(name, among: names) else {
                return "\(name) is not a setting of this plugin."
            }
            return "\(name) is not a setting of this plugin. Was \(likely) meant?"
        }
    }

    private static func isUnknown(_ name: String) -> Bool {
        prefixes.contains(where: name.hasPrefix) && Setting(rawValue: name) == nil
            && CephConfLine.place(ofSetting: name) == nil
    }
}
