/// Everything that the environment decides, checked.
public struct Settings: Sendable, Equatable {
    public var ceph: CephClientSettings
    public var etcd: EtcdSettings
    public var node: NodeSettings
    public var devices: DeviceSettings
    public var volumes: VolumeSettings
    public var limits: TimeLimits
    public var metrics: MetricsSettings
    public var log: LogSettings
    /// What Docker is told about where volumes exist.
    public var scope: Scope
    /// Folder for files that need not survive a restart.
    public var stateDirectory: String
    /// Sentences about what is probably a mistake, but no reason not to start. To be logged.
    public var warnings: [String]
}

extension Settings {
    /// Docker's two kinds of volume drivers.
    public enum Scope: String, Sendable, CaseIterable {
        /// A volume is the same on every node.
        case global
        /// Each node has volumes of its own.
        case local
    }
}

extension Settings {
    /// Reads and checks all settings.
    ///
    /// - Parameters:
    ///   - environment: the process's environment.
    ///   - readFile: gives the text of a file: secrets, certificates, the boot id. What it throws is shown to people.
    ///   - hostName: the kernel's name for this host, the default for `NODE_NAME`.
    /// - Throws: all that is wrong, together.
    public static func load(
        environment: [String: String], readFile: @escaping (String) throws -> String, hostName: String
    ) throws(SettingsError) -> Settings {
        let read = read(environment: environment, readFile: readFile, hostName: hostName)
        guard let settings = read.settings else { throw SettingsError(problems: read.problems) }
        return settings
    }

    /// Reads and checks all settings, and keeps what can be used when something else cannot.
    ///
    /// The parameters are those of `load`.
    public static func read(
        environment: [String: String], readFile: @escaping (String) throws -> String, hostName: String
    ) -> ReadSettings {
        var reader = SettingsReader(environment: environment, readFile: readFile)
        let ceph = CephClientSettings(from: &reader)
        let etcd = EtcdSettings(from: &reader)
        let volumes = VolumeSettings(from: &reader)
        let scope: Scope? = reader.value(.scope, Text.choice)
        let devices = DeviceSettings(from: &reader)
        let stateDirectory = reader.value(.stateDirectory, plainPath)
        let node = NodeSettings(from: &reader, hostName: hostName)
        let limits = TimeLimits(from: &reader)
        let metrics = MetricsSettings(from: &reader)
        let log = LogSettings(from: &reader)
        let warnings = reader.warnings + (etcd?.warnings ?? []) + UnknownSettings.warnings(about: environment)
        var read = ReadSettings(
            problems: reader.problems, warnings: warnings, ceph: ceph, etcd: etcd, volumes: volumes, devices: devices,
            node: node, limits: limits, stateDirectory: stateDirectory)
        guard reader.problems.isEmpty, let ceph, let etcd, let volumes, let scope, let devices, let stateDirectory,
            let node, let limits, let metrics, let log
        else { return read }
        read.settings = Settings(
            ceph: ceph, etcd: etcd, node: node, devices: devices, volumes: volumes, limits: limits,
            metrics: metrics, log: log, scope: scope, stateDirectory: stateDirectory, warnings: warnings)
        return read
    }

    /// The names of files in this folder are handed to Ceph and qemu within lists and options, where commas, colons
    /// and blanks separate.
    private static func plainPath(_ text: String) throws(Refusal) -> String {
        let path = try Text.absolutePath(text)
        guard Text.consists(path, ofLettersDigitsAnd: "/._-") else {
            throw Refusal("it must be an absolute path of letters, digits, \".\", \"-\" and \"_\"")
        }
        return path
    }
}
