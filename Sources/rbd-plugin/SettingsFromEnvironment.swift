import ArgumentParser
import FoundationEssentials
import Glibc
import PluginConfiguration

/// The settings of this process.
enum SettingsFromEnvironment {
    /// - Throws: `ExitCode` 78 (EX_CONFIG), after the faults were written to standard error, one a line.
    static func load(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Settings {
        do {
            return try Settings.load(
                environment: environment,
                readFile: TextFile.read, hostName: hostName())
        } catch {
            Output.error("rbd-plugin cannot start:\n\(error)\n")
            throw ExitCode(ExitStatus.settings.rawValue)
        }
    }

    /// What can be read of them, and all that is wrong.
    static func read(_ environment: [String: String]) -> ReadSettings {
        Settings.read(
            environment: environment, readFile: TextFile.read, hostName: hostName())
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
