import CephStorage
import EtcdClient
import PluginConfiguration
import RBDDriver

extension CephSettings {
    /// The most calls that one operation makes side by side; what an operation that gave up has left in Ceph needs some
    /// room as well.
    private static let callsAtOnce = 2

    /// librados as the settings want it.
    init(_ settings: Settings, files: CephClientConfiguration) {
        self.init(
            settings.ceph, files: files, limit: settings.limits.ceph,
            callsPerPool: Self.callsAtOnce * settings.node.operationsPerPool)
    }

    /// - Parameter limit: the longest that one call may take.
    init(_ ceph: CephClientSettings, files: CephClientConfiguration, limit: Duration, callsPerPool: Int) {
        self.init(
            clusterName: ceph.clusterName, user: ceph.user, confFile: files.confPath, keyring: files.keyringPath,
            timeouts: .init(
                connect: min(limit, .seconds(5)), monitorOperation: limit, osdOperation: limit, call: limit),
            callsPerPool: callsPerPool)
    }
}

extension EtcdConfiguration {
    init(_ settings: Settings) throws { try self.init(settings.etcd, limit: settings.limits.etcd) }

    /// - Parameter limit: the longest that one request may take.
    init(_ etcd: EtcdSettings, limit: Duration) throws {
        self.init(
            endpoints: try Endpoint.parse(etcd.endpoints.joined(separator: ",")),
            credentials: etcd.credentials.map { EtcdCredentials($0) },
            tls: TLSFiles(
                certificateAuthority: etcd.caFile, certificate: etcd.clientCertificate?.certificateFile,
                key: etcd.clientCertificate?.keyFile))
        requestTimeout = limit
        connectTimeout = min(limit, .seconds(2))
    }
}

extension EtcdCredentials {
    init(_ credentials: EtcdSettings.Credentials) {
        self.init(username: credentials.username, password: credentials.password.reveal())
        if let file = credentials.passwordFile {
            readPassword = { try SecretFile.secret(at: file, readFile: TextFile.read).reveal() }
        }
    }
}

extension TimeLimits {
    /// Of the time that Docker waits, a quarter is kept for undoing what failed.
    var workBudget: Duration { operation * 72 / 100 }
    var undoBudget: Duration { operation * 24 / 100 }
}

extension DriverSettings {
    init(_ settings: Settings, mountRoot: String) {
        self.init(
            mountRoot: mountRoot, defaults: settings.volumes.defaults, limits: settings.volumes.limits,
            mapOptions: settings.devices.mapOptions, mountOptions: settings.devices.mountOptions,
            operationsPerPool: settings.node.operationsPerPool,
            workBudget: settings.limits.workBudget, undoBudget: settings.limits.undoBudget,
            handOverWait: settings.limits.mountWait, blocklistExpiry: settings.limits.blocklistExpiry)
    }
}
