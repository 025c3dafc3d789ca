import FoundationEssentials
import PluginConfiguration
import Testing
import VolumeCore

/// What people read about settings outside the code says the same as the code.
@Suite struct RepositoryFilesTests {
    private static let root = #filePath.split(separator: "/").dropLast(3)

    private func file(_ name: String) throws -> Data {
        try Data(contentsOf: URL(filePath: "/" + (Self.root + [Substring(name)]).joined(separator: "/")))
    }

    private func config() throws -> PluginConfig {
        try JSONDecoder().decode(PluginConfig.self, from: file("config.json"))
    }

    @Test func `every setting is described once`() {
        #expect(SettingDescription.all.map(\.setting.name).sorted() == Setting.allCases.map(\.name).sorted())
        for description in SettingDescription.all {
            #expect(description.meaning.hasSuffix("."))
            #expect(!description.meaning.contains("|"), "it would end the cell of the table")
        }
    }

    @Test func `what is secret is marked as such, and can come from a file`() {
        let secrets = SettingDescription.all.filter(\.isSecret).map(\.setting)
        #expect(secrets == [.keyringKey, .etcdPassword])
        #expect(secrets.allSatisfy { Setting(rawValue: $0.name + "_FILE") != nil })
    }

    @Test func `the help names every setting and its default, and fits a terminal`() {
        let lines = SettingsText.help().split(separator: "\n")
        for setting in Setting.allCases {
            #expect(lines.contains { $0 == "  \(setting.name)" || $0.hasPrefix("  \(setting.name)  (default: ") })
        }
        #expect(lines.contains("  OPERATION_TIMEOUT  (default: 25s)"))
        let tooLong = lines.filter { $0.hasPrefix("      ") && $0.count > 80 }
        #expect(tooLong.isEmpty)
    }

    @Test(arguments: SettingDescription.Group.allCases)
    func `the reference shows the settings as the code knows them`(group: SettingDescription.Group) throws {
        let reference = String(decoding: try file("docs/reference.md"), as: UTF8.self)
        let table = SettingsText.markdownTable(group)
        let isThere = reference.contains("### \(group.rawValue)\n\n\(table)\n")
        #expect(isThere, "Under the heading \(group.rawValue) docs/reference.md should contain:\n\(table)")
    }

    @Test("E4: README's first example of an installation speaks TLS, has a user, and draws no warning")
    func e4FirstExampleIsSafe() throws {
        let readme = String(decoding: try file("README.md"), as: UTF8.self)
        let start = try #require(readme.firstRange(of: "\ndocker plugin install wetopi/rbd ")).lowerBound
        let example = readme[start...].prefix(while: { $0 != "`" })
        let environment = example.split { $0.isWhitespace || $0 == "\\" }
            .map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            .filter { $0.count == 2 && $0[0].hasPrefix("ETCD_") }
            .reduce(into: [:]) { $0[$1[0]] = $1[1] }
        let host = FakeHost.with(["/etc/etcd/ca.pem": FakeHost.pem, "/etc/etcd/password": "p\n"])
        let settings = try host.load(environment)
        #expect(settings.etcd.endpoints.count == 3 && settings.etcd.endpoints.allSatisfy { $0.hasPrefix("https://") })
        #expect(settings.etcd.caFile != nil && settings.etcd.credentials?.passwordFile != nil)
        #expect(settings.warnings == [])
    }

    @Test func `the reference shows the options of a volume as the code knows them`() throws {
        let reference = String(decoding: try file("docs/reference.md"), as: UTF8.self)
        let isThere = reference.contains("\n\n\(OptionDescription.markdownTable)\n\n## Policies\n")
        #expect(
            isThere, "Above the heading Policies docs/reference.md should contain:\n\(OptionDescription.markdownTable)")
    }

    @Test func `config json offers every setting, in order, settable and without a value`() throws {
        let env = try config().env
        #expect(env.map(\.name) == SettingDescription.all.map(\.setting.name))
        #expect(env.map(\.description) == SettingDescription.all.map(SettingsText.summary))
        // Values survive an upgrade: a default written here would stay for ever.
        #expect(env.allSatisfy { $0.value.isEmpty })
        #expect(env.allSatisfy { $0.settable == ["value"] })
    }

    @Test func `config json loads as settings`() throws {
        let env = try config().env.map { ($0.name, $0.value) }
        #expect(try FakeHost().load(Dictionary(uniqueKeysWithValues: env)) == FakeHost().load([:]))
    }

    @Test func `config json describes the plugin as Docker expects it`() throws {
        let config = try config()
        #expect(!config.description.isEmpty)
        #expect(config.documentation.hasPrefix("https://"))
        #expect(config.interface.types == ["docker.volumedriver/1.0"])
        #expect(config.interface.socket == "rbd.sock")
        #expect(config.entrypoint == ["/usr/bin/rbd-plugin", "serve"])
        #expect(config.workdir == "/")
        #expect(config.network.type == "host")
        #expect(config.propagatedMount == "/mnt/volumes")
        #expect(!config.ipchost)
        #expect(!config.pidhost)
    }

    @Test func `config json asks for what is needed and no more`() throws {
        let config = try config()
        #expect(config.linux.capabilities == ["CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RESOURCE"])
        #expect(config.linux.allowAllDevices)
        #expect(config.linux.devices.isEmpty)
        #expect(config.mounts.map(\.destination) == ["/dev", "/sys/bus", "/lib/modules", "/etc/ceph", "/etc/etcd"])
        #expect(config.mounts.allSatisfy { $0.type == "bind" && !$0.description.isEmpty })
        let writable = config.mounts.filter { !$0.options.contains("ro") }
        #expect(writable.map(\.destination) == ["/dev", "/sys/bus"])
        let settable = config.mounts.filter { $0.settable == ["source"] }
        #expect(settable.map(\.name) == ["modules", "ceph", "etcd"])
    }

    @Test("E13: each folder of the host comes without what is mounted below it, and starts no program")
    func e13BindsAreNarrow() throws {
        for mount in try config().mounts {
            #expect(mount.options.contains("bind") && !mount.options.contains("rbind"), "\(mount.name)")
            #expect(Set(mount.options).isSuperset(of: ["nosuid", "noexec"]), "\(mount.name)")
            #expect(mount.options.contains("nodev") || mount.destination == "/dev", "\(mount.name)")
        }
    }

    /// A bind whose source is missing makes `docker plugin enable` fail.
    @Test func `config json binds only folders that hosts have`() throws {
        let sources = try config().mounts.map(\.source)
        #expect(Set(sources).isSubset(of: ["/dev", "/sys/bus", "/sys/fs", "/lib/modules"]))
    }
}

/// The fields of config.json, decoded strictly: one that is missing or of another type fails.
private struct PluginConfig: Decodable {
    struct Interface: Decodable {
        let types: [String]
        let socket: String
    }
    struct Network: Decodable {
        let type: String
    }
    struct Mount: Decodable {
        let name: String
        let description: String
        let source: String
        let destination: String
        let type: String
        let options: [String]
        let settable: [String]
    }
    struct Linux: Decodable {
        let capabilities: [String]
        let allowAllDevices: Bool
        let devices: [String]
    }
    struct Env: Decodable {
        let name: String
        let description: String
        let value: String
        let settable: [String]
    }

    let description: String
    let documentation: String
    let interface: Interface
    let entrypoint: [String]
    let workdir: String
    let network: Network
    let propagatedMount: String
    let ipchost: Bool
    let pidhost: Bool
    let mounts: [Mount]
    let linux: Linux
    let env: [Env]
}
