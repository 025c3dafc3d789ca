import FoundationEssentials
import Rig

/// How much of a process is in memory.
enum ResidentMemory {
    static func kilobytes(of plugin: PluginProcess) throws -> Int {
        guard let pid = plugin.pid else { throw RigFailure("the plugin does not run") }
        let status = try String(contentsOf: URL(filePath: "/proc/\(pid)/status"), encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        guard let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }) else {
            throw RigFailure("/proc/\(pid)/status tells no VmRSS")
        }
        return number
    }
}
