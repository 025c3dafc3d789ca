import Logging
import PluginConfiguration
import Testing
import VolumeCore

@Suite struct ValuesTests {
    @Test(arguments: [
        ("0", Logger.Level.error), ("1", .warning), ("2", .info), ("3", .debug), ("error", .error), ("warn", .warning),
        ("WARNING", .warning), ("Info", .info), ("debug", .debug),
    ])
    func `the log level is a number from 0 to 3 or a name`(text: String, level: Logger.Level) throws {
        #expect(try FakeHost().load(["LOG_LEVEL": text]).log.level == level)
    }

    @Test(arguments: [
        ("25", Duration.seconds(25)), ("25s", .seconds(25)), ("500ms", .milliseconds(500)), ("1m", .seconds(60)),
        ("2h", .seconds(7200)), ("7d", .seconds(604_800)), ("1y", .seconds(31_536_000)), ("0", .zero),
        ("10S", .seconds(10)),
    ])
    func `a length of time is a number with a unit`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: ["", "s", "1.5s", "-1", "+1", "1 s", "1w", "1ss", "0x10", "٣s", "99999999999999999999"])
    func `anything else is no length of time`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["0s", "500ms", "1001ms", "25s", "1m", "90s", "2h", "7d", "10y"])
    func `a length of time is written in the largest unit that is exact`(text: String) throws {
        #expect(DurationText.describe(try #require(DurationText.parse(text))) == text)
    }

    static let sizes: [(text: String, number: UInt64, shift: UInt64)] = [
        ("512", 512, 20), ("1", 1, 20), ("206", 206, 20), ("512M", 512, 20), ("512MB", 512, 20), ("512MiB", 512, 20),
        ("10G", 10, 30), ("10g", 10, 30), ("1T", 1, 40), ("2P", 2, 50), ("10Gi", 10, 30), ("1.5G", 1536, 20),
        ("4096T", 4, 50), ("4294967296", 4, 50),
    ]

    @Test(arguments: sizes)
    func `a size is a number of MB or has a unit`(text: String, number: UInt64, shift: UInt64) throws {
        #expect(try FakeHost().load(["RBD_DEFAULT_SIZE": text]).volumes.defaults.size.bytes == number << shift)
    }

    @Test(arguments: [
        "M", "0", "0G", "-1", "1.3G", "abc", "10  G", "10K", "10B", "10Mx", "1e9", "4294967297",
        "5P", "17592186044416", "18446744073709551615", "18446744073709551616", "9007199254740993T",
    ])
    func `anything else is no size, and none wraps around`(text: String) {
        #expect(FakeHost().complaints(["RBD_DEFAULT_SIZE": text]).count == 1)
    }

    @Test(arguments: [
        ("1", ["layering"], UInt64(1)),
        ("3", ["layering"], 1),
        ("61", ["layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten"], 61),
        ("61,", nil, 0),
        ("exclusive-lock, layering", ["layering", "exclusive-lock"], 5),
        ("Layering", ["layering"], 1),
        ("layering,exclusive-lock,journaling", ["layering", "exclusive-lock", "journaling"], 69),
    ])
    func `features are names or a number`(text: String, names: [String]?, bits: UInt64) throws {
        let features = try? FakeHost().load(["RBD_DEFAULT_FEATURES": text]).volumes.defaults.features
        #expect(features?.names == names)
        #expect(features?.rawValue ?? 0 == bits)
    }

    @Test func `the features of the client section are the default, and RBD_DEFAULT_FEATURES wins`() throws {
        var environment = ["RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES": "1"]
        #expect(try FakeHost().load(environment).volumes.defaults.features == .layering)
        environment["RBD_DEFAULT_FEATURES"] = "layering,exclusive-lock"
        #expect(try FakeHost().load(environment).volumes.defaults.features == [.layering, .exclusiveLock])
    }

    @Test func `mkfs and mount options of volumes are read for each filesystem`() throws {
        let defaults = try FakeHost().load([
            "RBD_DEFAULT_MKFS_OPTIONS": "ext4:-m 0;xfs:-i size=1024", "RBD_DEFAULT_MOUNT_OPTIONS": "noatime",
        ]).volumes.defaults
        #expect(defaults.mkfsOptions[.ext4] == ["-m", "0"] && defaults.mkfsOptions[.xfs] == ["-i", "size=1024"])
        #expect(defaults.mkfsOptions[.btrfs].isEmpty)
        #expect(FilesystemType.allCases.allSatisfy { defaults.mountOptions[$0] == ["noatime"] })
    }

    @Test func `map options are split at commas`() throws {
        let settings = try FakeHost().load(["RBD_MAP_OPTIONS": "ms_mode=prefer-crc, queue_depth=128,notrim"])
        #expect(settings.devices.mapOptions == ["ms_mode=prefer-crc", "queue_depth=128", "notrim"])
    }

    @Test("E17: what an operator makes the rule for all mounts is what every filesystem has")
    func e17MountOptions() throws {
        let context = "context=system_u:object_r:container_file_t:s0"
        let settings = try FakeHost().load(["RBD_MOUNT_OPTIONS": "nosuid, nodev,noexec,nosymfollow,\(context)"])
        #expect(settings.devices.mountOptions == ["nosuid", "nodev", "noexec", "nosymfollow", context])
    }

    @Test func `paths lose slashes that mean nothing`() throws {
        #expect(try FakeHost().load(["RBD_STATE_DIR": "/var//lib/rbd/"]).stateDirectory == "/var/lib/rbd")
    }

    @Test("Metrics can be listened to on a port, by this host alone unless a token says who may")
    func metricsPort() throws {
        let host = FakeHost.with(["/etc/ceph/token": "s3cret\n", "/etc/ceph/words": "two words\n"])
        let local = try host.load(["METRICS_LISTEN": "9285"]).metrics
        #expect(local.listen == .init(host: "127.0.0.1", port: 9285, isLoopback: true) && local.tokenFile == nil)
        #expect(try host.load(["METRICS_LISTEN": "[::1]:1"]).metrics.listen?.isLoopback == true)
        let open = ["METRICS_LISTEN": "[2001:db8::7]:9285", "METRICS_TOKEN_FILE": "/etc/ceph/token"]
        let metrics = try host.load(open).metrics
        #expect(metrics.listen == .init(host: "2001:db8::7", port: 9285, isLoopback: false))
        #expect(metrics.tokenFile == "/etc/ceph/token")
        let unfit = host.complaints(["METRICS_LISTEN": "9285", "METRICS_TOKEN_FILE": "/etc/ceph/words"])
        #expect(unfit.count == 1 && unfit[0].contains("visible ASCII") && !unfit[0].contains("two words"))
        #expect(try host.load(["METRICS_TOKEN_FILE": "/etc/ceph/token"]).warnings.count == 1)
    }

    @Test func `every plain setting arrives where it belongs`() throws {
        let settings = try FakeHost().load([
            "RBD_MAPPER": "fuse", "RBD_CONF_MAP_DEVICE_ROOT": "/dev/ceph", "RBD_DEFAULT_POOL": "fast",
            "RBD_DEFAULT_FSTYPE": "xfs", "RBD_DEFAULT_ORDER": "20", "RBD_SCOPE": "local", "LOG_FORMAT": "json",
            "NODE_NAME": "rack-7.example", "ETCD_PREFIX": "/site/a", "OPERATION_TIMEOUT": "20", "CEPH_TIMEOUT": "9s",
            "ETCD_TIMEOUT": "7500ms", "MOUNT_WAIT": "0", "NODE_TTL": "1m", "BLOCKLIST_EXPIRY": "2y",
            "HISTORY_KEEP": "90d", "METRICS_VOLUMES": "7",
            "OPERATIONS_PER_POOL": "3", "RBD_MAX_SIZE": "10T", "RBD_MAX_VOLUMES": "50",
            "RBD_ALLOWED_POOLS": "fast, slow", "RBD_ALLOW_ADOPT": "True",
        ])
        #expect(settings.devices.mapper == .fuse)
        #expect(settings.devices.deviceRoot == "/dev/ceph")
        #expect(settings.volumes.defaults.pool == "fast")
        #expect(settings.volumes.defaults.filesystem == .xfs)
        #expect(settings.volumes.defaults.order == 20)
        #expect(settings.volumes.limits.pools == ["fast", "slow"])
        #expect(settings.volumes.limits.allowsAdoption)
        #expect(settings.volumes.limits.largestSize == .gibibytes(10 << 10))
        #expect(settings.volumes.limits.mostVolumes == 50)
        #expect(settings.scope == .local)
        #expect(settings.log.format == .json)
        #expect(settings.node.identity.node == "rack-7.example")
        #expect(settings.node.operationsPerPool == 3)
        #expect(settings.etcd.prefix == "/site/a/")
        #expect(settings.limits.operation == .seconds(20))
        #expect(settings.limits.ceph == .seconds(9))
        #expect(settings.limits.etcd == .milliseconds(7500))
        #expect(settings.limits.mountWait == .zero)
        #expect(settings.limits.nodeTTL == .seconds(60))
        #expect(settings.limits.blocklistExpiry == .seconds(2 * 31_536_000))
        #expect(settings.limits.history == .seconds(90 * 86_400))
        #expect(settings.metrics.volumes == 7)
    }
}
