import FoundationEssentials
import PluginConfiguration

/// The secrets that the settings of this process hold or name, for taking them out of what others will read.
enum KnownSecrets {
    /// Blocking. A file that cannot be read has no secret to tell.
    static func all() -> [String] {
        let environment = OperatorEnvironment.variables
        let values = environment.filter { isSecret($0.key) }.map(\.value)
        let files = [Setting.keyringKeyFile, .etcdPasswordFile, .etcdKey].compactMap { environment[$0.name] }
        // Endpoints with a password in them are refused, and may be there all the same.
        let passwords = (environment[Setting.etcdEndpoints.name] ?? "").split(separator: ",").compactMap { endpoint in
            endpoint.lastIndex(of: "@").map { at in
                String(endpoint[..<at].split(separator: ":").last ?? "").filter { $0 != "/" }
            }
        }
        return values + files.compactMap { try? TextFile.read($0) } + passwords
    }

    private static func isSecret(_ name: String) -> Bool {
        SettingDescription.all.contains { $0.isSecret && $0.setting.name == name }
            || SettingDescription.isSecretLine(name)
    }
}
