import Glibc
import PluginConfiguration

/// `rbd-plugin --plugin NAME …` on a host that has this program and a managed plugin: the plugin's own program runs, inside it.
enum PluginOfHost {
    /// Becomes `packaging/enter` when the command line names a plugin; returns otherwise.
    static func enterIfNamed(_ arguments: [String]) {
        guard let first = arguments.dropFirst().first, first == "--plugin" || first.hasPrefix("--plugin=") else {
            return
        }
        let script = "\(folder)/../lib/rbd-plugin/enter"
        var words = ([script] + arguments.dropFirst()).map { strdup($0) } + [nil]
        execv(script, &words)
        let reason = String(cString: strerror(errno))
        Output.error(
            "rbd-plugin: cannot start \(script), which enters a plugin: \(reason). The Debian package has it, and so has the plugin.\n"
        )
        exit(ExitStatus.failed.rawValue)
    }

    /// Where this program is.
    private static var folder: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
}
