import Glibc

/// The folders that tools are looked up in, in order.
public struct SearchPath: Sendable, Hashable {
    public let folders: [String]
    /// Where this process's own program is, and its companions beside it.
    private let ownFolder: String?

    /// Folders that do not begin with `/` are left out: what they mean would depend on the working directory.
    /// - Parameter ownFolder: where companions are looked up first.
    public init(_ folders: [String], ownFolder: String? = nil) {
        self.folders = folders.filter { $0.hasPrefix("/") }
        self.ownFolder = ownFolder
    }

    private static let standardFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// The folders of this process's `PATH`, and after them the standard ones: services are often started without the
    /// `sbin` folders, where mkfs and losetup live.
    public static let standard: SearchPath = {
        let own = getenv("PATH").map { String(cString: $0) } ?? ""
        var folders: [String] = []
        for folder in own.split(separator: ":").map(String.init) + standardFolders where !folders.contains(folder) {
            folders.append(folder)
        }
        let program = SystemCall.target(ofLink: "/proc/self/exe")
        return SearchPath(folders, ownFolder: program.flatMap(folder(of:)))
    }()

    private static func folder(of path: String) -> String? { path.lastIndex(of: "/").map { String(path[..<$0]) } }

    /// The same, but the folder is looked into first.
    public func preceded(by folder: String) -> SearchPath { SearchPath([folder] + folders, ownFolder: ownFolder) }

    /// The path of the tool's program; `nil` when there is none. A companion is the one of this program's own version,
    /// whatever else of its name is installed.
    public func find(_ tool: Tool) -> String? {
        guard tool.isCompanion, let ownFolder else { return find(tool.name) }
        return SearchPath([ownFolder] + folders).find(tool.name)
    }

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
