import Logging
import PluginConfiguration
import Testing
import VolumeCore

@Suite struct DefaultsTests {
    @Test func `without any setting the documented defaults hold`() throws {
        let settings = try FakeHost().load([:])
        #expect(settings.ceph.clusterName == "ceph")
        #expect(settings.ceph.source == .hostFile("/etc/ceph/ceph.conf"))
        #expect(settings.ceph.clientName == "client.admin")
        #expect(settings.ceph.key == nil)
        #expect(settings.ceph.lines.isEmpty)
        #expect(settings.etcd.endpoints == ["http://127.0.0.1:2379"])
        #expect(settings.etcd.prefix == "docker/volume/rbd/")
        #expect(settings.etcd.credentials == nil)
        #expect(settings.etcd.caFile == nil)
        #expect(settings.etcd.clientCertificate == nil)
        #expect(settings.node.identity == NodeIdentity(node: "node-1", boot: FakeHost.bootID))
        #expect(settings.devices.mapper == nil)
        #expect(settings.devices.mapOptions.isEmpty && settings.devices.mountOptions.isEmpty)
        #expect(settings.devices.deviceRoot == "/dev/rbd")
        #expect(
            settings.volumes.defaults
                == VolumeDefaults(
                    pool: nil, size: .mebibytes(512), order: 22,
                    features: [.layering, .exclusiveLock, .objectMap, .fastDiff, .deepFlatten], filesystem: .ext4))
        #expect(
            settings.volumes.limits
                == VolumeLimits(mostVolumes: 200_000, largestSize: nil, pools: nil, allowsAdoption: false))
        #expect(settings.limits.operation == .seconds(25))
        #expect(settings.limits.ceph == .seconds(10))
        #expect(settings.limits.etcd == .seconds(8))
        #expect(settings.limits.mountWait == .seconds(10))
        #expect(settings.limits.nodeTTL == .seconds(30))
        #expect(settings.node.operationsPerPool == 16)
        #expect(settings.limits.blocklistExpiry == .seconds(10 * 365 * 86_400))
        #expect(settings.limits.history == .seconds(30 * 86_400))
        #expect(settings.metrics == MetricsSettings(listen: nil, tokenFile: nil, volumes: 200))
        #expect(settings.log.level == .info)
        #expect(settings.log.format == .text)
        #expect(settings.scope == .global)
        #expect(settings.stateDirectory == "/run/rbd-plugin")
        #expect(settings.warnings.isEmpty)
    }

    @Test(arguments: ["", " ", "\t"])
    func `an empty value means the default, because Docker passes unset variables as empty`(empty: String) throws {
        let everythingEmpty = Dictionary(uniqueKeysWithValues: Setting.allCases.map { ($0.name, empty) })
        #expect(try FakeHost().load(everythingEmpty) == FakeHost().load([:]))
    }

    @Test func `a value may have blanks around it`() throws {
        #expect(try FakeHost().load(["RBD_DEFAULT_POOL": "  fast "]).volumes.defaults.pool == "fast")
    }

    @Test func `all problems are reported at once`() {
        let complaints = FakeHost().complaints([
            "LOG_LEVEL": "loud", "RBD_DEFAULT_ORDER": "99", "RBD_MAPPER": "iscsi", "ETCD_TIMEOUT": "soon",
        ])
        #expect(complaints.count == 4)
        for name in ["LOG_LEVEL", "RBD_DEFAULT_ORDER", "RBD_MAPPER", "ETCD_TIMEOUT"] {
            #expect(complaints.contains { $0.hasPrefix("\(name) is ") })
        }
    }

    @Test func `the error prints one line a problem`() {
        let error = #expect(throws: SettingsError.self) {
            try FakeHost().load(["LOG_LEVEL": "9", "LOG_FORMAT": "xml"])
        }
        #expect(
            error?.description == """
                LOG_LEVEL is "9": it must be 0 or error, 1 or warn, 2 or info, 3 or debug.
                LOG_FORMAT is "xml": it must be one of text, json.
                """)
    }
}
