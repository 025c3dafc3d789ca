import Glibc
import SystemPackage
import VolumeCore

/// The folder that all mountpoints are in. Everything is opened from it step by step, without following symbolic links,
/// so that no name and no link can lead out of it.
struct MountRoot: Sendable, Hashable {
    /// As configured: absolute.
    let path: String

    /// - Throws: `VolumeError` when the path is not absolute, or is `/`.
    init(_ path: String) throws(VolumeError) {
        let parts = PathSteps.of(path).filter { !$0.isEmpty }
        guard path.utf8.first == UInt8(ascii: "/"), !parts.isEmpty, !parts.contains(".."), !parts.contains(".") else {
            throw VolumeError(
                .invalidOption, "use '\(path)' as the folder for mountpoints", why: "it is not an absolute path",
                remedy: "give a path such as /mnt/volumes", outcome: .refused)
        }
        self.path = "/" + parts.joined(separator: "/")
    }

    /// The steps from the root to the mountpoint.
    /// - Throws: `VolumeError` with code `invalidName` for a path that is not strictly below the root.
    func steps(to mountpoint: String, for what: String) throws(VolumeError) -> [String] {
        let prefix = path + "/"
        let steps = PathSteps.of(String(decoding: mountpoint.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
        let isPlain = steps.allSatisfy { step in
            !step.isEmpty && step != "." && step != ".." && step.utf8.count <= 255 && !step.utf8.contains(0)
        }
        guard mountpoint.utf8.starts(with: prefix.utf8), isPlain else {
            throw VolumeError(
                .invalidName, what, why: "the mountpoint is not below \(path)", outcome: .refused)
        }
        return steps
    }

    /// A root of its own for a mountpoint that is elsewhere: the folder that it is in, and the one step to it.
    static func holding(_ mountpoint: String, for what: String) throws(VolumeError) -> (
        root: MountRoot, steps: [String]
    ) {
        let root = try MountRoot(PathSteps.of(mountpoint).dropLast().joined(separator: "/"))
        return (root, try root.steps(to: mountpoint, for: what))
    }

    /// The root's path without symbolic links, as mountinfo shows it. Blocking.
    func resolved() throws -> String {
        let folder = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
        return try folder.closeAfter { SystemCall.target(ofLink: "/proc/self/fd/\(folder.rawValue)") ?? path }
    }

    /// As `resolved()`; `nil` when the root does not exist, or is no folder: then nothing is mounted in it.
    func resolvedIfPresent() throws -> String? {
        do { return try resolved() } catch Errno.noSuchFileOrDirectory, Errno.notDirectory { return nil }
    }

    /// Opens the folder that the steps lead to, for `body`. Blocking.
    /// - Parameter make: whether missing folders are made, for root alone.
    /// - Throws: `Errno`, `notDirectory` or `tooManySymbolicLinkLevels` among it when a step is a symbolic link.
    func withFolder<T>(_ steps: some Collection<String>, make: Bool = false, _ body: (FileDescriptor) throws -> T)
        throws -> T
    {
        var folder = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
        defer { try? folder.close() }
        for step in steps {
            if make { try Self.makeFolder(step, in: folder) }
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            let next = FileDescriptor(rawValue: try SystemCall.check { openat(folder.rawValue, step, flags) })
            try folder.close()
            folder = next
        }
        return try body(folder)
    }

    private static func makeFolder(_ name: String, in folder: FileDescriptor) throws {
        do {
            try SystemCall.check { mkdirat(folder.rawValue, name, 0o700) }
        } catch Errno.fileExists {
            // What it is shows when it is opened.
        }
    }
}
