import FoundationEssentials
import Glibc
import PluginConfiguration

/// The variables from which an operator's command takes the plugin's settings.
enum OperatorEnvironment {
    /// The file of settings that the service of the Debian package reads.
    private static let file = "/etc/default/rbd-plugin"

    /// Inside a managed plugin they are the plugin's own. Otherwise they are this process's, if these say where etcd or Ceph
    /// is, and else those of the service on this host. Settings are never mixed: half of them would be another cluster's.
    ///
    /// Ends the program, with a sentence, when they cannot be read.
    static let variables: [String: String] = {
        let own = ProcessInfo.processInfo.environment
        if Caller.current != nil {
            return EnvironmentFile.variables(inBlock: text(of: "/proc/1/environ"))
        }
        guard !Setting.areGiven(in: own), access(file, F_OK) == 0 else { return own }
        return own.merging(EnvironmentFile.variables(in: text(of: file))) { _, fromFile in fromFile }
    }()

    private static func text(of path: String) -> String {
        do {
            return try TextFile.read(path)
        } catch {
            Output.error("rbd-plugin: cannot read the plugin's settings in \(path): \(error). Run it as root.\n")
            exit(ExitStatus.settings.rawValue)
        }
    }
}
