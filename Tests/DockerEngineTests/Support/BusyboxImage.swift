import FoundationEssentials
import Rig

/// An image made without any registry: Debian's static busybox and a few files.
enum BusyboxImage {
    static let name = "busybox"
    /// A folder of the image with content in it, for a fresh volume to be filled from.
    static let seeded = "/seeded"

    /// Imports the image into an engine that has not got it.
    static func load(into engine: any Engine) async throws {
        let root = engine.scratch.path + "/busybox"
        for folder in ["bin", "tmp", "etc", "seeded/below", "data"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: try program(), toPath: root + "/bin/busybox")
        for applet in try await runTool(root + "/bin/busybox", ["--list"]).checked().output.split(separator: "\n")
        where applet != "busybox" {
            try FileManager.default.createSymbolicLink(
                atPath: "\(root)/bin/\(applet)", withDestinationPath: "busybox")
        }
        try write("seed", to: root + "/seeded/file")
        try write("deeper", to: root + "/seeded/below/file")
        try write("root:x:0:0::/:/bin/sh\npostgres:x:999:999::/:/bin/sh\n", to: root + "/etc/passwd")
        let tarball = engine.scratch.path + "/busybox.tar"
        try await runTool("tar", ["--create", "--directory", root, "--file", tarball, "."]).checked()
        try await engine.docker("import", "--change", "ENV PATH=/bin", tarball, name)
    }

    private static func program() throws -> String {
        let places = ["/bin/busybox", "/usr/bin/busybox"]
        guard let program = places.first(where: exists) else {
            throw RigFailure("there is no busybox on this machine. `make deps` installs the package busybox-static.")
        }
        return program
    }
}
