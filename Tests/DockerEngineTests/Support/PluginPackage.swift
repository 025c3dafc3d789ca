import FoundationEssentials
import Rig

/// The managed plugin as `packaging/plugin` makes it, from the program that the tests were built with.
struct PluginPackage: Sendable {
    /// Holds `config.json` and `rootfs`.
    let folder: String

    /// Makes the package.
    ///
    /// - Parameter forThisMachine: whether it is to be enabled here, whatever this machine cannot give.
    static func make(in environment: RigEnvironment, forThisMachine: Bool = true) async throws -> PluginPackage {
        let folder = "\(environment.scratch)/package"
        let script = environment.scripts + "/../packaging/plugin"
        try await runTool(script, [folder, try PluginProcess.executable()], within: .seconds(120)).checked()
        let package = PluginPackage(folder: folder)
        if forThisMachine { try package.leaveOutCapabilities(missingIn: try text(of: "/proc/self/status")) }
        return package
    }

    /// Makes the Debian package. Not compressed, which would take most of the time: the tests do not keep it.
    static func makeDebianPackage(_ file: String, in environment: RigEnvironment) async throws {
        let script = environment.scripts + "/../packaging/make-deb"
        try await runTool(
            script, [try PluginProcess.executable(), file], settings: ["DPKG_DEB_COMPRESSOR_TYPE": "none"],
            within: .seconds(120)
        ).checked()
    }

    /// Another version: Docker takes no two plugins of the same bytes.
    func version(_ name: String) async throws -> PluginPackage {
        let other = PluginPackage(folder: uniqueName(folder))
        try await runTool("cp", ["--archive", folder, other.folder]).checked()
        try write(name, to: other.folder + "/rootfs/etc/version")
        return other
    }

    /// Some machines, containers mostly, cannot give what `config.json` asks for; Docker then refuses to enable the
    /// plugin. CAP_SYS_RESOURCE is needed for nothing but growing.
    private func leaveOutCapabilities(missingIn status: String) throws {
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapBnd:") } ?? ""
        let bounding = UInt64(line.dropFirst("CapBnd:".count).drop { $0 == "\t" }, radix: 16) ?? .max
        try change { config in
            guard case .object(var linux) = config["linux"] ?? .null else { return }
            linux["capabilities"] = .array(
                (linux["capabilities"]?.array ?? []).filter { capability in
                    Self.numbers[capability.string ?? ""].map { bounding & (1 << $0) != 0 } ?? true
                })
            config["linux"] = .object(linux)
        }
    }

    private static let numbers: [String: UInt64] = ["CAP_SYS_MODULE": 16, "CAP_SYS_ADMIN": 21, "CAP_SYS_RESOURCE": 24]

    /// Takes settings away, as if the package were of a version that did not know them yet.
    func removeSettings(_ names: Set<String>) throws {
        try change { config in
            config["env"] = .array((config["env"]?.array ?? []).filter { !names.contains($0["name"]?.string ?? "") })
        }
    }

    /// Gives it the mounts of earlier versions: all of `/sys`, and with each folder what is mounted below it.
    func widenMounts() throws {
        try change { config in
            config["mounts"] = .array(
                (config["mounts"]?.array ?? []).map { mount in
                    var mount = mount.object
                    if mount["name"] == "sys" { (mount["source"], mount["destination"]) = ("/sys", "/sys") }
                    let isWritable = mount["name"] == "dev" || mount["name"] == "sys"
                    mount["options"] = .array(isWritable ? ["rbind"] : ["rbind", "ro"])
                    return .object(mount)
                })
        }
    }

    private func change(_ body: (inout [String: JSONValue]) -> Void) throws {
        let file = folder + "/config.json"
        var config = try JSONValue(parsing: try text(of: file)).object
        body(&config)
        let encoder = JSONEncoder()
        // Docker does not understand docker.volumedriver\/1.0.
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        try encoder.encode(JSONValue.object(config)).write(to: URL(filePath: file))
    }

    /// The libraries of Swift's runtime, which a debug build has outside of itself and no package brings.
    static func copyRuntime(of program: String, to folder: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for line in try await runTool("ldd", [program]).checked().output.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 3, words[1] == "=>", words[2].contains("/swift/") else { continue }
            let name = words[2].split(separator: "/").last ?? ""
            try FileManager.default.copyItem(atPath: String(words[2]), toPath: "\(folder)/\(name)")
        }
    }
}
