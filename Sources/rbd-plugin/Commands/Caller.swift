import CCaller
import FoundationEssentials
import Glibc
import PluginConfiguration

/// The host that a command was typed on, when the command runs inside a managed plugin: `packaging/enter` has brought it
/// there, and holds the host's root folder open for it.
struct Caller {
    /// Where the command was typed.
    let folder: String

    /// As `packaging/enter` numbers it.
    private static let root: CInt = 9
    private static let setting = "RBD_PLUGIN_CALLER_DIRECTORY"

    /// `nil` where the command runs on the host itself.
    static let current: Caller? = ProcessInfo.processInfo.environment[setting].flatMap { folder in
        fcntl(root, F_SETFD, FD_CLOEXEC) == 0 ? Caller(folder: folder) : nil
    }

    /// Ends with the caller's own process, and at Ctrl-C with the status that shells know. `nsenter` waits outside, and
    /// leaves Ctrl-C to this process.
    static func follow() {
        guard current != nil else { return }
        signal(SIGINT) { _ in _exit(ExitStatus.interrupted.rawValue) }
        signal(SIGQUIT, SIG_DFL)
        _ = ccaller_end_with_parent()
        // A parent outside has the number 0 here; one that has ended meanwhile was replaced by the plugin.
        if getppid() == 1 { _exit(ExitStatus.interrupted.rawValue) }
    }

    /// Where this process finds a file that the caller names.
    /// - Returns: for a file that is not there yet, its place in the caller's folder. On the host itself, the path as it is.
    /// - Throws: when there is no such folder, or this kernel cannot look for it.
    static func path(_ path: String) throws -> String {
        guard let current, path != "-" else { return path }
        let whole = path.hasPrefix("/") ? path : "\(current.folder)/\(path)"
        if let found = try find(whole) { return found }
        let slash = whole.lastIndex(of: "/") ?? whole.startIndex
        guard let folder = try find(String(whole[...slash])) else {
            throw OperatorSession.Failed("Cannot open \(path): there is no such folder.")
        }
        return folder + whole[slash...]
    }

    /// A name of its own for something on the host, for as long as this process lives; `nil` when it is not there.
    private static func find(_ path: String) throws -> String? {
        let descriptor = ccaller_find(root, path)
        if descriptor >= 0 { return "/proc/self/fd/\(descriptor)" }
        switch errno {
        case ENOENT: return nil
        case ENOSYS:
            throw OperatorSession.Failed(
                "Cannot open \(path) from inside the plugin: Linux before 5.6 cannot do that."
                    + " Use - for the file, with '>' or '<'.")
        case let code: throw OperatorSession.Failed("Cannot open \(path): \(String(cString: strerror(code))).")
        }
    }
}
