import Doctor
import FoundationEssentials
import PluginConfiguration

/// Looks at the settings of this process.
enum SettingsProbe {
    static func look(_ read: ReadSettings) -> SettingsSeen {
        let environment = OperatorEnvironment.variables
        return SettingsSeen(
            given: SettingDescription.shown(of: environment).count,
            problems: read.problems.map {
                SettingsSeen.Problem(name: $0.name, sentence: $0.description, isFile: $0.isAboutFile)
            },
            warnings: read.warnings,
            secrets: SettingDescription.all.filter { $0.isSecret && environment[$0.setting.name]?.isEmpty == false }
                .map(\.setting.name),
            missingCephConf: read.ceph.flatMap(missingCephConf))
    }

    private static func missingCephConf(_ ceph: CephClientSettings) -> SettingsSeen.MissingFile? {
        guard case .hostFile(let path) = ceph.source else { return nil }
        do {
            _ = try TextFile.read(path)
            return nil
        } catch {
            return SettingsSeen.MissingFile(path: path, reason: "\(error)")
        }
    }
}
