import Glibc

/// The folders that tools are looked up in, in order.
public struct SearchPath: Sendable, Hashable {
    public let folders: [String]

    /// Folders that do not begin with `/` are left out: what they mean would depend on the working directory.
    public init(_ folders: [String]) {
        self.folders = folders.filter { $0.hasPrefix("/") }
    }

    private static let standardFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// The folder of this process's own program, where its companions are; then those of its `PATH`; and after them the
    /// standard ones: services are often started without the `sbin` folders, where mkfs and losetup live.
    public static let standard: SearchPath = {
        let own = getenv("PATH").map { String(cString: $0) } ?? ""
        let program = SystemCall.target(ofLink: "/proc/self/exe") ?? ""
        let companions = program.lastIndex(of: "/").map { String(program[..<$0]) } ?? ""
        var folders: [String] = []
        for folder in [companions] + own.split(separator: ":").map(String.init) + standardFolders
        where !folders.contains(folder) {
            folders.append(folder)
        }
        return SearchPath(folders)
    }()

    /// The path of the executable file of that name; `nil` when there is none.
    public func find(_ name: String) -> String? {
        folders.lazy.map { "\($0)/\(name)" }.first { path in
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
        }
    }

    /// As a `PATH` variable has it.
    var text: String { folders.joined(separator: ":") }
}
